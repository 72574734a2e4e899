"""Hostile requests, by what they try."""

from __future__ import annotations

from typing import Any

import orjson

APPROVE = (
    "mutation ($groups: [Int!], $moment: DateTime) { approveAccess(input: {databaseId: 1,"
    ' namespace: "x", groups: $groups, expiresAt: $moment}) { errors { message } } }'
)
GOOGLE = "mutation ($input: LoginWithGoogleInput!) { loginWithGoogle(input: $input) { expiresAt } }"
USER = "query ($id: Int!) { user(databaseId: $id) { id } }"
NODE = "query ($id: ID!) { node(id: $id) { id } }"


def chain(length: int, *, last: str) -> str:
    """Each fragment doubles the next one."""
    links = (f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(length))
    return f"{{ ...F0 }} {' '.join(links)} fragment F{length} on Query {{ {last} }}"


def many(pattern: str, count: int) -> str:
    return " ".join(pattern.format(n=n) for n in range(count))


def nested(opening: str, middle: str, closing: str, levels: int) -> str:
    return opening * levels + middle + closing * levels


DOCUMENTS: dict[str, str] = {
    "60 chained fragments": chain(60, last="__typename"),
    "60 chained fragments without fields": chain(60, last=""),
    "a circle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "a fragment within itself": "{ ...A } fragment A on Query { ...A }",
    "an unused circle": "{ __typename } fragment A on Query { ...A }",
    "unknown fragments": "{" + many("...F{n}", 900) + "}",
    "2,000 aliases": "{" + many("a{n}: __typename", 2000) + "}",
    "600 aliases": "{" + many("a{n}: __typename", 600) + "}",
    "aliases of a change": "mutation {" + many("a{n}: logout {{ __typename }}", 300) + "}",
    "1,000 directives": "{ __typename" + " @skip(if: false)" * 1000 + " }",
    "unknown directives": "{ __typename" + " @nope" * 900 + " }",
    "1,900 times the same field": "{" + "__typename " * 1900 + "}",
    "the same object": "{" + "viewer { groups { id } } " * 250 + "}",
    "the same object in fragments": "{ viewer {" + " ... { groups { id } }" * 240 + "} }",
    "500 fields side by side": "{ viewer {" + "groups { id name } " * 166 + "} }",
    "500 fields in fragments": "{ viewer {" + " ... { groups { id name } }" * 166 + "} }",
    "a fragment per spread": "{"
    + many("...F{n}", 90)
    + "}"
    + many("fragment F{n} on Query {{ viewer {{ groups {{ id }} }} }}", 90),
    "1,900 unknown fields": "{" + many("f{n}", 1900) + "}",
    "500 unknown fields": "{ viewer {" + many("user{n}", 499) + "} }",
    "deep inline fragments": nested("{ ...", "{ nope }", "}", 190),
    "inline fragments beyond the parser": nested("{ ...", "{ id }", "}", 1000),
    "deep fields": nested("{ viewer { groups { webapps ", "{ id }", "} } }", 300),
    "50 nested edges": "{ viewer { " + nested("groups { webapps { ", "id", "} } ", 50) + "} }",
    "brackets": "{" * 50_000,
    "introspection of introspection": "{ __schema { types { "
    + nested("fields { type { ", "name", "} } ", 8)
    + "} } }",
    "introspection by root fields": "{"
    + many("a{n}: __schema {{ types {{ fields {{ args {{ name type {{ name }} }} }} }} }}", 20)
    + "}",
    "introspection by aliases": "{ __schema { types { "
    + many("a{n}: fields {{ type {{ fields {{ name }} ofType {{ fields {{ name }} }} }} }}", 26)
    + "} } }",
    "introspection by fragments": "{ __schema { types { ...A } } }"
    " fragment A on __Type { fields { type { ...B ofType { ...B } } } }"
    " fragment B on __Type { fields { type { ...C ofType { ...C } } } }"
    " fragment C on __Type { fields { name description } }",
    "introspection of a variable": 'query ($name: String = "Mutation") {'
    + many(
        "a{n}: __type(name: $name) {{ fields {{ type {{ fields {{ type {{ fields {{ name }} }} }}"
        " }} args {{ type {{ inputFields {{ name }} }} }} }} }}",
        20,
    )
    + "}",
    "the same edges within each other": "{ viewer { "
    + "groups { webapps { groups { id } } } " * 100
    + "} }",
    "edges as often as allowed": "{ viewer { "
    + nested("groups { webapps { ", "id", "} } ", 4) * 21
    + "} }",
    "a deep list": f"{{ node(id: {nested('[', '1', ']', 190)}) {{ id }} }}",
    "a deeper list": f"{{ node(id: {nested('[', '1', ']', 2000)}) {{ id }} }}",
    "a deep object": f"{{ node(id: {nested('{a: ', '1', '}', 190)}) {{ id }} }}",
    "a long list": f"{{ node(id: [{'1 ' * 1900}]) {{ id }} }}",
    "a wide object": f"{{ node(id: {{{many('a{n}: 1', 600)}}}) {{ id }} }}",
    "unknown members of an input": "mutation { login(input: {"
    + many("a{n}: 1", 480)
    + "}) { expiresAt } }",
    "unknown arguments": "{ node(" + many("a{n}: 1", 600) + ") { id } }",
    "unused variables": "query (" + many("$a{n}: Int", 480) + ") { __typename }",
    "390 operations": many("query Q{n} {{ __typename }}", 390),
    "an int of 5,000 digits": f"{{ user(databaseId: {'9' * 5000}) {{ id }} }}",
    "an id of 5,000 digits": f"{{ node(id: {'9' * 5000}) {{ id }} }}",
    "a default of 5,000 digits": f"query ($n: Int = {'9' * 5000}) {{ user(databaseId: $n) "
    "{ id } }",
    "a float of 5,000 digits": f"{{ user(databaseId: 1.{'9' * 5000}) {{ id }} }}",
    "a huge string": '{ node(id: "' + "x" * 1_000_000 + '") { id } }',
    "a string that is just not too long": '{ node(id: "' + "x" * 99_000 + '") { id } }',
    "escapes": '{ node(id: "' + "\\u0041" * 140_000 + '") { id } }',
    "a block string": '{ node(id: """' + "x\n" * 300_000 + '""") { id } }',
    "whitespace": "{" + " " * 1_000_000 + "nope }",
    "comments": "#\n" * 300_000 + "{ nope }",
    "a long name": "{ " + "x" * 99_000 + " }",
    "half a surrogate pair": '{ node(id: "\\uD800") { id } }',
    "NUL in a string": '{ node(id: "\\u0000") { id } }',
    "NUL in a search": '{ admin { users(search: "\\u0000") { totalCount } } }',
    "NUL in the document": "{ \0 }",
    "skip without a condition": "{ __typename @skip }",
    "skip with a text": '{ __typename @skip(if: "true") }',
    "skip twice": "{ __typename @skip(if: true) @skip(if: false) }",
    "include without its variable": "query ($b: Boolean!) { __typename @include(if: $b) }",
    "oneOf with nothing": "mutation { loginWithGoogle(input: {}) { expiresAt } }",
    "oneOf with null": "mutation { loginWithGoogle(input: {idToken: null}) { expiresAt } }",
    "oneOf with two": 'mutation { loginWithGoogle(input: {idToken: "x", accessToken: "y"})'
    " { expiresAt } }",
    "oneOf with an undefined variable": "mutation { loginWithGoogle(input: {idToken: $x})"
    " { expiresAt } }",
    "oneOf in a fragment before its operation": "fragment F on Mutation {"
    " loginWithGoogle(input: {idToken: $x}) { expiresAt } } mutation ($x: String) { ...F }",
    "a definition of types": "type Query { a: Int }",
    "an empty selection of a leaf": "{ viewer { username {} } }",
    "the same name twice": "query A { __typename } query A { __typename }",
    "a subscription to two": "subscription { clusterFacts { name } b: clusterFacts { name } }",
}

REQUESTS: dict[str, dict[str, Any]] = {
    name: {"query": document} for name, document in DOCUMENTS.items()
} | {
    "an unknown operation": {"query": "query A { __typename }", "operationName": "B"},
    "no operation": {"query": "query A { __typename } query B { __typename }"},
    "the name of a fragment": {
        "query": "query A { ...F } fragment F on Query { __typename }",
        "operationName": "F",
    },
    "a huge name": {"query": "query A { __typename }", "operationName": "x" * 500_000},
    "many variables": {"query": APPROVE, "variables": {"groups": list(range(100_000))}},
    "many wrong variables": {"query": APPROVE, "variables": {"groups": ["x"] * 400}},
    "variables that nobody asked for": {
        "query": "{ viewer { id } }",
        "variables": {f"a{n}": n for n in range(20_000)},
    },
    "a deep variable": {
        "query": APPROVE,
        "variables": {"groups": orjson.loads(nested("[", "", "]", 900))},
    },
    "a deep object for an id": {
        "query": NODE,
        "variables": {"id": orjson.loads(nested('{"a":', "1", "}", 900))},
    },
    "a huge string for an id": {"query": NODE, "variables": {"id": "x" * 1_000_000}},
    "an integer of 64 bits": {"query": USER, "variables": {"id": 2**63}},
    "an integer of 100 digits": {"query": USER, "variables": {"id": float(10**100)}},
    "a text for an integer": {"query": USER, "variables": {"id": "9" * 5000}},
    "no moment": {"query": APPROVE, "variables": {"moment": "x" * 100_000}},
    "a moment beyond the calendar": {
        "query": APPROVE,
        "variables": {"moment": "9999-12-31T23:59:59-23:59"},
    },
    "a number for a moment": {"query": APPROVE, "variables": {"moment": 20260101}},
    "oneOf as a variable with nothing": {"query": GOOGLE, "variables": {"input": {}}},
    "oneOf as a variable with null": {"query": GOOGLE, "variables": {"input": {"code": None}}},
    "oneOf as a variable with two": {
        "query": GOOGLE,
        "variables": {"input": {"idToken": "x", "accessToken": "y"}},
    },
    "a list for oneOf": {"query": GOOGLE, "variables": {"input": [{}]}},
}

# Answered with data: they ask for nothing, or for as much as every operation may
HARMLESS = [
    REQUESTS["60 chained fragments without fields"],
    REQUESTS["introspection by root fields"],
]
