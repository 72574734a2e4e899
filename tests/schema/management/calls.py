"""What administrators say to the portal."""

from __future__ import annotations

from typing import Any

from tests.callers import Caller

USER = """user { databaseId username firstName lastName primaryEmail alternativeEmails isSuperuser
                 isActive comments version }"""
GROUP = """group { databaseId name canAdmin membership version
                   members(first: 10) { edges { node { username } } } webapps { name } }"""
WEBAPP = "webapp { databaseId name linkNameTemplate linkUrlTemplate linkShow category version }"
ANSWERS = {
    "createUser": USER,
    "updateUserAsAdmin": USER,
    "deleteUser": f"deletedId {USER}",
    "setPassword": USER,
    "resetSessions": f"endedCount {USER}",
    "createGroup": GROUP,
    "updateGroup": GROUP,
    "deleteGroup": f"deletedId {GROUP}",
    "addGroupMembers": GROUP,
    "removeGroupMembers": GROUP,
    "createWebApp": WEBAPP,
    "updateWebApp": WEBAPP,
    "deleteWebApp": f"deletedId {WEBAPP}",
    "grantWebApps": GROUP,
    "withdrawWebApps": GROUP,
}


async def answer(caller: Caller, mutation: str, **values: Any) -> dict[str, Any]:
    """The payload."""
    payload: dict[str, Any] = (await caller.data(document(mutation), input=values))["answer"]
    return payload


async def done(caller: Caller, mutation: str, **values: Any) -> dict[str, Any]:
    """The payload of a mutation that was carried out."""
    payload = await answer(caller, mutation, **values)
    assert payload["errors"] == []
    return payload


async def field_errors(caller: Caller, mutation: str, **values: Any) -> list[tuple[str, str]]:
    """Field and message of each error of a mutation that was refused for its input."""
    payload = await answer(caller, mutation, **values)
    errors = payload.pop("errors")
    assert {error["code"] for error in errors} == {"BAD_USER_INPUT"}, errors
    assert not any(payload.values())
    return [(error["field"], error["message"]) for error in errors]


def document(mutation: str) -> str:
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    selection = f"{ANSWERS[mutation]} errors {{ code field message }}"
    return f"""mutation ($input: {kind}!) {{
      answer: {mutation}(input: $input) {{ {selection} }} }}"""
