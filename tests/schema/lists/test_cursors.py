"""Cursors are valid in their own order only."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.callers import Caller

USERS = """query ($after: String, $field: UserOrderField!, $direction: OrderDirection! = ASC) {
  admin { users(first: 1, after: $after, orderBy: {field: $field, direction: $direction}) {
    edges { cursor } } } }"""
FIELDS = ("ID", "USERNAME", "LAST_NAME", "CREATED_AT", "LAST_LOGIN_AT")


def forged(*content: Any) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode()


async def test_cursor_belongs_to_one_order(admin: Caller) -> None:
    orders = [(field, direction) for field in FIELDS for direction in ("ASC", "DESC")]
    cursors = {}
    for field, direction in orders:
        answer = await admin.data(USERS, field=field, direction=direction)
        [edge] = answer["admin"]["users"]["edges"]
        cursors[field, direction] = edge["cursor"]
    for origin, cursor in cursors.items():
        for field, direction in orders:
            codes = await admin.codes(USERS, after=cursor, field=field, direction=direction)
            assert codes == ([] if (field, direction) == origin else ["BAD_USER_INPUT"])


FORGERIES = {
    "ID": [
        "",
        "nonsense",
        "é",
        "\ud800",
        "A" * 5000,
        urlsafe_b64encode(b"[" * 3000).decode(),
        forged(),
        forged("id"),
        forged("id", 1),
        forged("id", "1", None),
        forged("id", -1, None),
        forged("id", 2**31, None),
        forged("id", 1.5, None),
        forged("id", 1, "key"),
        forged({"id": 1}),
    ],
    "USERNAME": [
        forged("username_key", 1, None),
        forged("username_key", 1, 7),
        forged("username_key", 1, "a\0b"),
        forged("username_key", 1, "\ud800"),
        forged("username_key", 1, ["a"]),
        forged("password_hash", 1, "a"),
    ],
    "CREATED_AT": [
        forged("created_at", 1, None),
        forged("created_at", 1, "yesterday"),
        forged("created_at", 1, 7),
    ],
    "LAST_LOGIN_AT": [
        forged("last_login_at", 1, ""),
        forged("last_login_at", 1, "0001-01-01T00:00:00+14:00"),
    ],
}


async def codes(caller: Caller, query: str, **variables: Any) -> list[str]:
    """As `Caller.codes`, of variables that are no Unicode as well."""
    response = await caller.client.post(
        "/graphql",
        content=json.dumps({"query": query, "variables": variables}),
        headers={**caller.headers, "Content-Type": "application/json"},
    )
    assert response.status_code < 500
    return [error["extensions"]["code"] for error in response.json()["errors"]]


@pytest.mark.parametrize("field", FORGERIES)
async def test_invalid_cursor_is_refused(admin: Caller, field: str) -> None:
    for cursor in FORGERIES[field]:
        refused = await codes(admin, USERS, after=cursor, field=field)
        assert refused == ["BAD_USER_INPUT"], cursor


@pytest.mark.parametrize("search", ["\ud800", "a\0", "x" * 201], ids=["surrogate", "NUL", "long"])
async def test_invalid_search_is_refused(admin: Caller, search: str) -> None:
    for noun in ("users", "groups", "webapps", "credentialIssues"):
        query = (
            f"query ($search: String) {{ admin {{ {noun}(search: $search) {{ totalCount }} }} }}"
        )
        assert await codes(admin, query, search=search) == ["BAD_USER_INPUT"]
