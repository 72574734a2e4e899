"""Hostile requests get an error in our own words, and cost little work."""

from __future__ import annotations

from typing import Any

from resolvers.errors import ErrorCode
from tests.callers import Caller
from tests.schema.limits.abuse import HARMLESS, REQUESTS
from tests.statements import recorded_statements

CODES = {code.value for code in ErrorCode} - {"INTERNAL_SERVER_ERROR"}
PYTHON = ("Traceback", "object has no", "KeyError", "NoneType", "Maybe[", "sys.", "0x")
LONGEST = 600
# The session and its user
STATEMENTS = 4


async def test_abuse_is_refused(alice: Caller) -> None:
    problems = {name: await problem(alice, body) for name, body in REQUESTS.items()}
    assert {name: found for name, found in problems.items() if found} == {}


async def problem(caller: Caller, body: Any) -> str | None:
    """What is wrong with the answer."""
    with recorded_statements() as statements:
        response = await caller.client.post("/graphql", json=body, headers=caller.headers)
    if response.status_code not in (200, 400):
        return f"status {response.status_code}"
    if len(statements) > STATEMENTS:
        return f"{len(statements)} statements"
    errors = response.json().get("errors", [])
    wrong = [error for error in errors if not is_readable(error)]
    if wrong or (not errors and body not in HARMLESS):
        return f"errors: {wrong}"
    return None


def is_readable(error: dict[str, Any]) -> bool:
    message: str = error["message"]
    return (
        error["extensions"]["code"] in CODES
        and len(message) < LONGEST
        and not any(word in message for word in PYTHON)
    )
