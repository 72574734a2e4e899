"""A mistake in the format names file, line and field."""

from __future__ import annotations

import pytest

from models import Database
from portal.declared import DeclarationError
from tests.portal.declared.state import DJANGO_HASH, Declare
from tests.portal.declared.texts import (
    EMAIL,
    FLAG,
    LIST,
    MAPPING,
    REQUIRED,
    TEXT,
    USER_KEYS,
    group,
    user,
    webapp,
)

TAG = "Not valid YAML: put a text that begins with ! in quotes."
CHOICES = "Must be MANUAL, ALL_USERS or CLUSTER_USERS."
MISTAKES = {
    # the document
    "": "The file is empty.",
    "# nothing\n": "The file is empty.",
    "---\nnull": MAPPING,
    "text": MAPPING,
    "\n- users": MAPPING,
    "users: []\n---\ngroups: []": "2: Not valid YAML: expected a single document in the stream,"
    " but found another document.",
    "users:\n\t- username: a": "2: Not valid YAML: while scanning for the next token,"
    " found character '\\t' that cannot start any token.",
    "users: []\nx: y: z": "2: Not valid YAML: mapping values are not allowed here.",
    'users: []\nx: "\\UFFFFFFFF"': "2: Not valid YAML: impossible value.",
    "users: []\nx: !!bool x": "2: Not valid YAML: impossible value.",
    "users: []\nx: \x07": "2: Control characters are not allowed.",
    b"users: []\n# caf\xe9": "2: The file is not UTF-8.",
    "users:\n  - *a": "2: Not valid YAML: put a text that begins with * in quotes.",
    "users:\n  - &a {username: *a}": "2: This contains an alias of itself.",
    "x: &a 1\ny: &a 2": "2: Not valid YAML: put a text that begins with & in quotes.",
    user("password: !secret"): f"3: {TAG}",
    user("password: !my!secret x"): f"3: {TAG}",
    "users: !!python/object:os.system []": f"1: {TAG}",
    webapp("linkUrl: {{namespace}}"): "3: A key must be a text: put {{…}} in quotes.",
    user("<<: 1"): "3: Not valid YAML: while constructing a mapping,"
    " expected a mapping or list of mappings for merging, but found scalar.",
    user("firstName: A\n    firstName: B"): "4: The key firstName stands twice, first in line 3.",
    "users: []\nusers: []": "2: The key users stands twice, first in line 1.",
    "[" * 500: "1: The file is nested too deeply.",
    # keys
    "user: []": "1: user: Unknown key: did you mean users?",
    "zzz: []": "1: zzz: Unknown key: known are groups, webapps, users.",
    user("first_name: A"): "3: users[0].first_name: Unknown key: did you mean firstName?",
    user(
        "serviceAccount: {namespace: a, nam: b, name: c}"
    ): "3: users[0].serviceAccount.nam: Unknown key: did you mean name?",
    "users: [{username: a, password:x}]": "1: users[0].password: Put a space after the colon.",
    user('"\\e[31m": 1'): f"3: users[0].\\x1b[31m: Unknown key: known are {USER_KEYS}.",
    # shapes and types
    "users:": f"1: users: {LIST}",
    "users: {a: b}": f"1: users: {LIST}",
    "users:\n  - alice": f"2: users[0]: {MAPPING}",
    "users:\n  - firstName: A": f"2: users[0].username: {REQUIRED}",
    "users: [{username: 7}]": f"1: users[0].username: {TEXT}",
    "users: [{username: no}]": f"1: users[0].username: {TEXT}",
    'groups: [{name: a, membership: "\\uD800"}]': "1: groups[0].membership: Must be valid Unicode.",
    "users: [{username: 2026-13-45}]": f"1: users[0].username: {TEXT}",
    user("password: 1234"): f"3: users[0].password: {TEXT}",
    user("password: null"): f"3: users[0].password: {TEXT}",
    user("superuser: 1"): f"3: users[0].superuser: {FLAG}",
    user("groups: null"): f"3: users[0].groups: {LIST}",
    user("groups:\n      - A\n      - 5"): f"5: users[0].groups[1]: {TEXT}",
    user("serviceAccount: default"): f"3: users[0].serviceAccount: {MAPPING}",
    user("serviceAccount: {namespace: a}"): f"3: users[0].serviceAccount.name: {REQUIRED}",
    group("membership: SOME"): f"3: groups[0].membership: {CHOICES}",
    user(
        f"password: x\n    passwordHash: {DJANGO_HASH}"
    ): "4: users[0].passwordHash: Give a password or its hash, not both.",
    # rules for values
    "users: [{username: ' '}]": "1: users[0].username: This field may not be blank.",
    group(
        f"webapps: []\n  - name: {'a' * 151}"
    ): "4: groups[1].name: Ensure this field has no more than 150 characters.",
    user("primaryEmail: alice"): f"3: users[0].primaryEmail: {EMAIL}",
    user("alternativeEmails: [a@example.org, b]"): f"3: users[0].alternativeEmails[1]: {EMAIL}",
    user(
        "verifiedEmails:\n    - a@example.org\n    - b"
    ): f"5: users[0].verifiedEmails[1]: {EMAIL}",
    webapp(
        "linkUrl: javascript:alert(1)"
    ): "3: webapps[0].linkUrl: Enter a URL that begins with http:// or https://.",
    # names
    user(
        "active: true\n  - username: ALICE"
    ): "4: users[1].username: The file names this twice, first in line 2.",
    group(
        "canAdmin: true\n  - name: Developers"
    ): "4: groups[1].name: The file names this twice, first in line 2.",
}


@pytest.mark.parametrize("text", MISTAKES)
async def test_mistake_names_file_line_and_field(declare: Declare, text: str | bytes) -> None:
    with pytest.raises(DeclarationError) as caught:
        await declare(text)
    assert str(caught.value).removeprefix("portal.yaml:").lstrip() == MISTAKES[text]


async def test_all_mistakes_are_listed_by_line(declare: Declare) -> None:
    with pytest.raises(DeclarationError) as caught:
        await declare("users:\n- firstName: 1\n  x: 2\n- {username: b, primaryEmail: b, x: 1}")
    assert str(caught.value).splitlines() == [
        f"portal.yaml:2: users[0].firstName: {TEXT}",
        f"portal.yaml:2: users[0].username: {REQUIRED}",
        f"portal.yaml:3: users[0].x: Unknown key: known are {USER_KEYS}.",
        f"portal.yaml:4: users[1].primaryEmail: {EMAIL}",
        f"portal.yaml:4: users[1].x: Unknown key: known are {USER_KEYS}.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        user("password: *hunter2"),
        user("password: !hunter2"),
        user("password: !hunter2!x y"),
        user("password: &hunter2 [&hunter2 x]"),
        user("password: [hunter2]"),
        user("password: {hunter2}"),
        user("password: 'hunter2"),
        user("password: hunter2: x"),
        user("password:hunter2"),
        user("password: @hunter2"),
        user("password: %hunter2"),
        user("password: |hunter2"),
        user("password: !!int hunter2"),
        user("password: !!binary hunter2"),
        "users: [{username: a, password:hunter2, password:hunter2}]",
        user("password: hunter2\n    passwordHash: hunter2"),
        user("password: hunter2\n    groups: [unknown]"),
    ],
)
async def test_no_mistake_shows_a_password(database: Database, declare: Declare, text: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        await declare(text)
    assert "hunter2" not in str(caught.value)
