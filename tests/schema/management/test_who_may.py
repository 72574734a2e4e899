"""Only administrators manage users, groups and web apps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models import Grant, Group, Membership, Session, User, WebApp
from tests.callers import Caller, People
from tests.schema.management.calls import ANSWERS, answer

ROWS = (User, Group, WebApp, Membership, Grant, Session)
INPUTS: dict[str, Callable[[People], dict[str, Any]]] = {
    "createUser": lambda _: {"username": "zoe"},
    "updateUserAsAdmin": lambda p: {"databaseId": p.alice.id, "version": 1, "isSuperuser": True},
    "deleteUser": lambda p: {"databaseId": p.bob.id, "version": 1},
    "setPassword": lambda p: {"databaseId": p.bob.id, "password": "purple monkey 42"},
    "resetSessions": lambda p: {"databaseId": p.bob.id},
    "createGroup": lambda _: {"name": "Testers"},
    "updateGroup": lambda p: {"databaseId": p.developers.id, "version": 1, "canAdmin": True},
    "deleteGroup": lambda p: {"databaseId": p.developers.id, "version": 1},
    "addGroupMembers": lambda p: {"databaseId": p.operators.id, "users": [p.alice.id]},
    "removeGroupMembers": lambda p: {"databaseId": p.developers.id, "users": [p.alice.id]},
    "createWebApp": lambda _: {"name": "Wiki"},
    "updateWebApp": lambda p: {"databaseId": p.hidden.id, "version": 1, "linkShow": True},
    "deleteWebApp": lambda p: {"databaseId": p.hidden.id, "version": 1},
    "grantWebApps": lambda p: {"databaseId": p.developers.id, "webapps": [p.unrelated.id]},
    "withdrawWebApps": lambda p: {"databaseId": p.developers.id, "webapps": [p.grafana.id]},
}


async def stored() -> list[list[dict[str, Any]]]:
    return [await model.all().order_by("id").values() for model in ROWS]


def test_table_covers_administrator_mutations() -> None:
    assert INPUTS.keys() == ANSWERS.keys()


async def test_only_administrators_manage(
    anonymous: Caller, alice: Caller, bob: Caller, people: People
) -> None:
    before = await stored()
    for caller, code in ((anonymous, "UNAUTHENTICATED"), (alice, "FORBIDDEN"), (bob, "FORBIDDEN")):
        for mutation, given in INPUTS.items():
            payload = await answer(caller, mutation, **given(people))
            [error] = payload.pop("errors")
            assert (error["code"], error["field"]) == (code, None), mutation
            assert not any(payload.values())
    assert await stored() == before


async def test_missing_objects_are_not_found(admin: Caller, people: People) -> None:
    for mutation, given in INPUTS.items():
        if "databaseId" in given(people):
            payload = await answer(admin, mutation, **{**given(people), "databaseId": 404})
            assert [error["code"] for error in payload["errors"]] == ["NOT_FOUND"], mutation
