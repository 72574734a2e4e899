"""A mistake in the format names file, line and field."""

from __future__ import annotations

import pytest

from portal.declared import DeclarationError
from tests.portal.declared.state import DJANGO_HASH, Declare
from tests.portal.declared.texts import (
    CONTROL,
    LABEL,
    PLACEHOLDERS,
    SUBDOMAIN,
    TAG,
    TEXT,
    URL,
    USER_KEYS,
    group,
    user,
    webapp,
)

UNKNOWN_HASH = (
    "3: users[0].passwordHash: is no hash that can be verified: known are Argon2, and of Django"
    " argon2, bcrypt_sha256, pbkdf2_sha256 and pbkdf2_sha1"
)
MISTAKES = {
    # the document
    "": "the file is empty",
    "# nothing\n": "the file is empty",
    "---\nnull": "the file is empty",
    "text": "1: must have keys and values",
    "\n- users": "2: must have keys and values",
    "users: []\n---\ngroups: []": "2: a second document begins here: only one is allowed",
    "users:\n\t- username: a": "2: a tab can't indent YAML: use spaces",
    "users: [": "1: this is not YAML: expected the node content, but found '<stream end>'",
    "users: []\nx: y: z": "2: this is not YAML: mapping values are not allowed here",
    'users: []\nx: "\\UFFFFFFFF"': "1: this is not YAML: it has an impossible escape or version",
    "users: []\nx: \x07": "2: control characters are not allowed",
    "users: []\n\x00": "2: control characters are not allowed",
    b"users: []\n# caf\xe9": "2: this is not UTF-8",
    "users: []".encode("utf-16"): "1: this is not UTF-8",
    "users:\n  - *a": "2: there is no such anchor: put a text that begins with * in quotes",
    "users:\n  - &a {username: *a}": "2: users[0].username: is nested too deeply",
    "x: &a 1\ny: &a 2": "2: this anchor is there twice: put a text that begins with & in quotes",
    user("password: !secret"): f"3: users[0].password: {TAG}",
    user("password: !my!secret x"): f"3: {TAG}",
    "users: !!python/object:os.system []": f"1: users: {TAG}",
    webapp(
        "linkUrl: {{namespace}}"
    ): "3: webapps[0].linkUrl: a key must be a text: put {{…}} in quotes",
    user("<<: 1"): "3: users[0]: << takes a mapping, or a list of them",
    user(
        "firstName: A\n    firstName: B"
    ): "4: users[0].firstName: this key is there twice, first in line 3",
    "users: []\nusers: []": "2: users: this key is there twice, first in line 1",
    "[" * 500: "the file is nested too deeply",
    "users: " + "[" * 50 + "]" * 50: "1: users[0][0]: is nested too deeply",
    # keys
    "user: []": "1: user: unknown key: did you mean users?",
    "zzz: []": "1: zzz: unknown key: known are groups, webapps, users",
    user("first_name: A"): "3: users[0].first_name: unknown key: did you mean firstName?",
    user("FIRSTNAME: A"): "3: users[0].FIRSTNAME: unknown key: did you mean firstName?",
    group("members: []"): "3: groups[0].members: unknown key: did you mean membership?",
    webapp("linkurl: x"): "3: webapps[0].linkurl: unknown key: did you mean linkUrl?",
    user(
        "serviceAccount: {namespace: a, nam: b, name: c}"
    ): "3: users[0].serviceAccount.nam: unknown key: did you mean name?",
    "users: [{username: a, password:x}]": "1: users[0].password: put a space behind the colon",
    user('"\\e[31m": 1'): f"3: users[0].\\x1b[31m: unknown key: known are {USER_KEYS}",
    # shapes and types
    "users:": "1: users: must be a list",
    "users: {a: b}": "1: users: must be a list",
    "users:\n  - alice": "2: users[0]: must have keys and values",
    "users:\n  - firstName: A": "2: users[0].username: is required",
    "groups: [{}]": "1: groups[0].name: is required",
    "webapps: [{}]": "1: webapps[0].name: is required",
    "users: [{username: 7}]": f"1: users[0].username: {TEXT}",
    "users: [{username: no}]": f"1: users[0].username: {TEXT}",
    "users: [{username: 2026-01-01}]": f"1: users[0].username: {TEXT}",
    "users: [{username: null}]": "1: users[0].username: may not be null",
    "users: [{username: [a]}]": "1: users[0].username: must be a text",
    user("password: 1234"): f"3: users[0].password: {TEXT}",
    user("password: null"): "3: users[0].password: may not be null",
    user("passwordHash:"): "3: users[0].passwordHash: may not be null",
    user("firstName: null"): "3: users[0].firstName: may not be null",
    user("superuser: 1"): "3: users[0].superuser: must be true or false",
    user("active: 'no'"): "3: users[0].active: must be true or false",
    user("active: null"): "3: users[0].active: may not be null",
    user("groups: Developers"): "3: users[0].groups: must be a list",
    user("groups: null"): "3: users[0].groups: must be a list",
    user("groups:\n      - A\n      - 5"): f"5: users[0].groups[1]: {TEXT}",
    user("serviceAccount: default"): "3: users[0].serviceAccount: must have keys and values",
    user("serviceAccount: {namespace: a}"): "3: users[0].serviceAccount.name: is required",
    group(
        "membership: SOME"
    ): "3: groups[0].membership: must be MANUAL, ALL_USERS or CLUSTER_USERS",
    group("membership: 1"): "3: groups[0].membership: must be MANUAL, ALL_USERS or CLUSTER_USERS",
    group("webapps: null"): "3: groups[0].webapps: must be a list",
    webapp("linkShow: maybe"): "3: webapps[0].linkShow: must be true or false",
    # texts
    "users: [{username: ''}]": "1: users[0].username: may not be blank",
    "users: [{username: ' a'}]": "1: users[0].username: may not begin or end with a space",
    'users: [{username: "a\\nb"}]': f"1: users[0].username: {CONTROL}",
    'users: [{username: "\\uD800"}]': f"1: users[0].username: {CONTROL}",
    f"users: [{{username: {'a' * 151}}}]": "1: users[0].username: has more than 150 characters",
    f"users: [{{username: {'ﷺ' * 150}}}]": "1: users[0].username: has more than 150 characters",
    f"groups: [{{name: {'a' * 151}}}]": "1: groups[0].name: has more than 150 characters",
    f"webapps: [{{name: {'a' * 151}}}]": "1: webapps[0].name: has more than 150 characters",
    user(f"lastName: {'a' * 151}"): "3: users[0].lastName: has more than 150 characters",
    user(
        f"primaryEmail: {'a' * 250}@example.org"
    ): "3: users[0].primaryEmail: has more than 254 characters",
    user("primaryEmail: alice"): "3: users[0].primaryEmail: enter a valid email address",
    user("primaryEmail: ''"): "3: users[0].primaryEmail: enter a valid email address",
    user(
        "alternativeEmails: [a@example.org, b]"
    ): "3: users[0].alternativeEmails[1]: enter a valid email address",
    user("verifiedEmails: [b]"): "3: users[0].verifiedEmails[0]: enter a valid email address",
    webapp("linkName: ''"): "3: webapps[0].linkName: may not be blank",
    webapp("linkName: 'of {{user}}'"): f"3: webapps[0].linkName: {PLACEHOLDERS}",
    webapp(
        f"linkUrl: https://example.org/{'a' * 2000}"
    ): "3: webapps[0].linkUrl: has more than 2000 characters",
    webapp("linkUrl: javascript:alert(1)"): f"3: webapps[0].linkUrl: {URL}",
    webapp("linkUrl: //example.org"): f"3: webapps[0].linkUrl: {URL}",
    webapp("linkUrl: https:///path"): f"3: webapps[0].linkUrl: {URL}",
    webapp("linkUrl: https://[::1"): f"3: webapps[0].linkUrl: {URL}",
    webapp("linkUrl: https://a:99999/"): f"3: webapps[0].linkUrl: {URL}",
    webapp("linkUrl: https://example.org/a b"): f"3: webapps[0].linkUrl: {URL}",
    webapp(
        "linkUrl: 'https://example.org/{{ namespace }}'"
    ): f"3: webapps[0].linkUrl: {PLACEHOLDERS}",
    user(
        "serviceAccount: {namespace: A, name: b}"
    ): f"3: users[0].serviceAccount.namespace: {LABEL}",
    user(
        "serviceAccount: {namespace: a.b, name: b}"
    ): f"3: users[0].serviceAccount.namespace: {LABEL}",
    user(
        f"serviceAccount: {{namespace: {'a' * 64}, name: b}}"
    ): f"3: users[0].serviceAccount.namespace: {LABEL}",
    user(
        "serviceAccount: {namespace: a, name: b-}"
    ): f"3: users[0].serviceAccount.name: {SUBDOMAIN}",
    user(
        f"serviceAccount: {{namespace: a, name: {'a' * 254}}}"
    ): f"3: users[0].serviceAccount.name: {SUBDOMAIN}",
    user(
        "serviceAccount: {namespace: a, name: b, cluster: ''}"
    ): "3: users[0].serviceAccount.cluster: may not be blank",
    # passwords
    user("password: ''"): "3: users[0].password: may not be blank",
    user(
        f"password: x\n    passwordHash: {DJANGO_HASH}"
    ): "4: users[0].passwordHash: give a password or its hash, not both",
    user("passwordHash: secret"): UNKNOWN_HASH,
    user("passwordHash: scrypt$16384$salt$8$1$c2NyeXB0"): UNKNOWN_HASH,
    user("passwordHash: md5$salt$d41d8cd98f00b204e9800998ecf8427e"): UNKNOWN_HASH,
    user(f"passwordHash: {DJANGO_HASH[:-1]}"): UNKNOWN_HASH,
}


@pytest.mark.parametrize("text", MISTAKES)
async def test_a_mistake_in_the_format_names_file_line_and_field(
    declare: Declare, text: str | bytes
) -> None:
    with pytest.raises(DeclarationError) as caught:
        await declare(text)
    assert str(caught.value).removeprefix("portal.yaml:").lstrip() == MISTAKES[text]
