"""Each limit of documents: what reaches it is fine, and one more is refused."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, islice
from math import comb, isqrt

import pytest

from portal.web.app import Contract
from resolvers.errors import ErrorCode
from schema.executor import Executor, InvalidDocument
from schema.limits import Limits

Write = Callable[[int], str]
NAMES = ("id", "databaseId", "username", "firstName", "lastName", "isActive")


def tokens(n: int) -> str:
    return "{ __typename }" + "#\n" * (n - 3)


def fields(n: int) -> str:
    """Spread over many places, so that few of them share one."""
    places, edges = 9, 18
    names = ("id", "databaseId", "name", "canAdmin", "membership", "__typename")
    leaves = [
        " ".join(islice(cycle(names), (n - edges + place) // places)) for place in range(places)
    ]
    return nested(leaves)


def nested(selections: list[str]) -> str:
    """Each of a group that is two edges further away than the one before."""
    joined = " webapps { groups { ".join(selections)
    return "{ viewer { groups { " + joined + " } }" * len(selections) + " }"


def repeats(n: int) -> str:
    """Some fields, each so often that its pairs still fit in."""
    selected = ""
    for name in NAMES:
        times = (1 + isqrt(1 + 8 * n)) // 2
        n -= comb(times, 2)
        selected += f" ... {{ {name} }}" * times
    assert n == 0
    return "{ viewer {" + selected + "} }"


def depth(n: int) -> str:
    edges = [("webapps", "groups")[level % 2] for level in range(n - 2)]
    return "{ viewer {" + "{".join([*edges, "name"]) + "}" * n


def aliases(n: int) -> str:
    return "{ viewer {" + " ".join(f"a{number}: id" for number in range(n)) + "} }"


def directives(n: int) -> str:
    return "{ viewer {" + " id @include(if: true)" * n + "} }"


def mutations(n: int) -> str:
    return "mutation {" + "".join(f" a{each}: logout {{ __typename }}" for each in range(n)) + "}"


def values(n: int) -> str:
    ids = "1 " * (n - 4)
    return (
        f'mutation {{ approveAccess(input: {{databaseId: 1, namespace: "x", groups: [{ids}]}})'
        " { __typename } }"
    )


LIMITS: dict[str, tuple[Write, int]] = {
    "tokens": (tokens, Limits().tokens),
    "fields": (fields, Limits().fields),
    "repeats": (repeats, Limits().repeats),
    "depth": (depth, Limits().depth),
    "aliases": (aliases, Limits().aliases),
    "directives": (directives, Limits().directives),
    "mutations": (mutations, Limits().mutations),
    "values": (values, Limits().values),
}


@pytest.fixture(scope="module")
def executor(contract: Contract) -> Executor:
    return Executor(contract.schema)


def refusal(executor: Executor, source: str) -> list[dict[str, object]]:
    with pytest.raises(InvalidDocument) as refused:
        executor.prepare(source)
    return [error.extensions or {} for error in refused.value.errors]


@pytest.mark.parametrize("limit", LIMITS)
def test_error_names_exceeded_limit(executor: Executor, limit: str) -> None:
    write, maximum = LIMITS[limit]
    executor.prepare(write(maximum))
    assert refusal(executor, write(maximum + 1)) == [
        {
            "code": ErrorCode.LIMIT_EXCEEDED.value,
            "limit": limit,
            "found": maximum + 1,
            "maximum": maximum,
        }
    ]


@pytest.mark.parametrize(
    ("limit", "within", "beyond"),
    [
        (
            "fields",
            "id name databaseId canAdmin webapps { id name databaseId __typename } " * 9 + "id",
            6,
        ),
        ("aliases", " ".join(f"a{n}: id" for n in range(15)), 3),
        ("directives", " id @include(if: true)" * 25, 3),
        ("repeats", "id " * 30, 5),
    ],
    ids=["fields", "aliases", "directives", "repeats"],
)
def test_fragment_counts_wherever_spread(
    executor: Executor, limit: str, within: str, beyond: int
) -> None:
    fragment = f" fragment F on Group {{ {within} }}"
    executor.prepare(nested(["...F"] * (beyond - 1)) + fragment)
    found = refusal(executor, nested(["...F"] * beyond) + fragment)
    assert [each["limit"] for each in found] == [limit]


def test_depth_includes_fragments(executor: Executor) -> None:
    source = "{ viewer { ...A } } " + " ".join(
        f"fragment {name} on User {{ accessRequest {{ user {{ {inner} }} }} }}"
        for name, inner in zip(
            "ABCDEFGHIJ", [f"...{name}" for name in "BCDEFGHIJ"] + ["id"], strict=True
        )
    )
    [found] = refusal(executor, source)
    assert (found["limit"], found["found"]) == ("depth", 22)


def test_document_may_hold_several_mutations(executor: Executor) -> None:
    executor.prepare("mutation A { logout { __typename } } mutation B { logout { __typename } }")


def test_typename_is_no_mutation(executor: Executor) -> None:
    executor.prepare("mutation { __typename logout { __typename } }")


def test_definitions_of_same_name_all_count(executor: Executor) -> None:
    large = "fragment F on User { " + "id " * 64 + "}"
    [found] = refusal(executor, f"{{ viewer {{ ...F }} }} {large} fragment F on User {{ id }}")
    assert found["limit"] == "repeats"


def test_number_of_reported_errors_is_limited(executor: Executor) -> None:
    names = " ".join(f"nope{number}" for number in range(20))
    assert len(refusal(executor, f"{{ {names} }}")) == 20
    assert len(refusal(executor, f"{{ viewer {{ {names} nope }} }}")) == 21
