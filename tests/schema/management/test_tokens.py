"""A token with the scope ADMIN administrates, but can't make a user an administrator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models import AccessState, Group, Membership, User
from tests.callers import Caller, People
from tests.schema.management.calls import answer, document, done

CREATE = """mutation { createPersonalAccessToken(input: {name: "ci", scopes: [READ, ADMIN]}) {
  token } }"""
APPROVE = """mutation ($input: ApproveAccessInput!) {
  approveAccess(input: $input) { errors { code message } } }"""
ADMINISTRATION: dict[str, Callable[[People], dict[str, Any]]] = {
    "createUser": lambda _: {"username": "zoe", "isSuperuser": True},
    "updateUserAsAdmin": lambda p: {"databaseId": p.bob.id, "version": 1, "isSuperuser": True},
    "createGroup": lambda _: {"name": "Heads", "canAdmin": True},
    "updateGroup": lambda p: {"databaseId": p.developers.id, "version": 1, "canAdmin": True},
    "addGroupMembers": lambda p: {"databaseId": p.operators.id, "users": [p.bob.id]},
}
REFUSAL = ("FORBIDDEN", "A token can't make a user an administrator: sign in instead.")


@pytest.fixture
async def program(admin: Caller) -> Caller:
    token = (await admin.data(CREATE))["createPersonalAccessToken"]["token"]
    return Caller(admin.client, {"Authorization": f"Bearer {token}"})


async def administrators() -> tuple[int, int, int]:
    return (
        await User.filter(is_superuser=True).count(),
        await Group.filter(can_admin=True).count(),
        await Membership.filter(group__can_admin=True).count(),
    )


@pytest.mark.parametrize("mutation", ADMINISTRATION)
async def test_sr20_token_creates_no_administrator(
    program: Caller, admin: Caller, people: People, mutation: str
) -> None:
    before = await administrators()
    given = ADMINISTRATION[mutation](people)
    [error] = (await answer(program, mutation, **given))["errors"]
    assert (error["code"], error["message"]) == REFUSAL
    assert await administrators() == before
    await done(admin, mutation, **given)
    assert await administrators() != before


async def test_sr20_token_approves_no_administrator(program: Caller, people: People) -> None:
    await User.filter(id=people.bob.id).update(access_state=AccessState.REQUESTED)
    given = {"databaseId": people.bob.id, "namespace": "x", "groups": [people.operators.id]}
    [error] = (await program.data(APPROVE, input=given))["approveAccess"]["errors"]
    assert (error["code"], error["message"]) == REFUSAL


async def test_sr20_token_sets_no_password(program: Caller, people: People) -> None:
    for person in (people.admin, people.bob):
        given = {"databaseId": person.id, "password": "purple monkey 42"}
        assert await program.codes(document("setPassword"), input=given) == ["FORBIDDEN"]
        assert (await User.get(id=person.id)).password_hash == people.bob.password_hash


async def test_token_changes_everything_else(program: Caller, people: People) -> None:
    await done(program, "createUser", username="zoe")
    changes = {"databaseId": people.developers.id, "version": 1, "name": "Builders"}
    await done(program, "updateGroup", **changes)
    members = {"databaseId": people.developers.id, "users": [people.bob.id]}
    await done(program, "addGroupMembers", **members)
    await done(program, "updateUserAsAdmin", databaseId=people.admin.id, version=1, comments="x")
