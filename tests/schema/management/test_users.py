from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from tortoise.transactions import in_transaction

from models import (
    AccessRequest,
    CredentialIssue,
    CredentialKind,
    ExternalIdentity,
    Membership,
    ServiceAccount,
    Session,
    User,
    VerifiedEmail,
)
from tests.callers import Caller, People
from tests.schema.management.calls import answer, done, field_errors

VIEWER = "{ viewer { username } }"
LOGIN = """mutation ($username: String!, $password: String!) {
  login(input: {username: $username, password: $password}) { accessToken } }"""
WHOLE = {
    "username": "Zoë",
    "firstName": "Zoë",
    "lastName": "",
    "primaryEmail": "zoe@example.org",
    "alternativeEmails": ["z@example.org", "zz@example.org"],
    "isSuperuser": True,
    "isActive": True,
    "comments": "Guest until May\nof Alice",
}


async def can_sign_in(anonymous: Caller, username: str, password: str) -> bool:
    answered = await anonymous.data(LOGIN, username=username, password=password)
    return answered["login"]["accessToken"] is not None


async def change(caller: Caller, user: User, **changes: Any) -> dict[str, Any]:
    user = await User.get(id=user.id)
    changed: dict[str, Any] = (
        await done(caller, "updateUserAsAdmin", databaseId=user.id, version=user.version, **changes)
    )["user"]
    return changed


async def test_an_administrator_makes_an_account(admin: Caller, anonymous: Caller) -> None:
    made = (await done(admin, "createUser", **WHOLE, password="purple monkey 42"))["user"]
    assert made == {"databaseId": made["databaseId"], "version": 1, **WHOLE}
    assert await can_sign_in(anonymous, "zoë", "purple monkey 42")


async def test_an_account_needs_no_more_than_a_name(admin: Caller, anonymous: Caller) -> None:
    made = (await done(admin, "createUser", username=" zoe "))["user"]
    assert (made["username"], made["isActive"], made["isSuperuser"]) == ("zoe", True, False)
    assert not await can_sign_in(anonymous, "zoe", "")


async def test_user_and_password_errors_come_together(admin: Caller) -> None:
    given = {"username": "", "primaryEmail": "nobody", "password": "123"}
    found = await field_errors(admin, "createUser", **given)
    assert [field for field, _ in found] == ["username", "primaryEmail", "password"]


async def test_an_administrator_changes_everything(admin: Caller, people: People) -> None:
    changed = await change(admin, people.bob, **WHOLE)
    assert changed == {"databaseId": people.bob.id, "version": 2, **WHOLE}


async def test_absent_fields_stay_and_null_removes(admin: Caller, people: People) -> None:
    changed = await change(admin, people.alice, primaryEmail=None, comments=None)
    assert (changed["firstName"], changed["primaryEmail"]) == ("Alice", None)
    assert changed["alternativeEmails"] == ["alice@alt.example.org"]


async def test_primary_and_alternative_are_swapped(admin: Caller, people: People) -> None:
    changed = await change(admin, people.alice, primaryEmail="alice@alt.example.org")
    assert changed["primaryEmail"] == "alice@alt.example.org"
    assert changed["alternativeEmails"] == ["alice@example.org"]


async def test_renamed_user_signs_in_with_new_name(
    admin: Caller, anonymous: Caller, people: People
) -> None:
    await change(admin, people.bob, username="Robert")
    assert await can_sign_in(anonymous, "robert", "correct horse")
    assert not await can_sign_in(anonymous, "bob", "correct horse")
    assert (await change(admin, people.bob, username="ROBERT"))["username"] == "ROBERT"


BAD: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"username": " "}, {"username": "blank"}),
    ({"username": "x" * 151}, {"username": "150"}),
    ({"username": "a\u0000b"}, {"username": "Control"}),
    ({"username": "\ufdfa" * 100}, {"username": "150"}),
    ({"username": "ＡＬＩＣＥ"}, {"username": "taken"}),
    ({"firstName": "x" * 151, "lastName": "\n"}, {"firstName": "150", "lastName": "Control"}),
    ({"primaryEmail": "nobody"}, {"primaryEmail": "valid"}),
    ({"primaryEmail": "x" * 250 + "@a.org"}, {"primaryEmail": "254"}),
    (
        {"alternativeEmails": ["a@a.org", "b", "c@c.org", ""]},
        {"alternativeEmails.1": "valid", "alternativeEmails.3": "valid"},
    ),
    ({"alternativeEmails": ["a@a.org"] * 21}, {"alternativeEmails": "20"}),
    ({"comments": "x" * 1001}, {"comments": "1000"}),
    ({"comments": "a\u0000"}, {"comments": "Control"}),
    (
        {"username": "bob", "primaryEmail": "?", "comments": "\u0007"},
        {"username": "taken", "primaryEmail": "valid", "comments": "Control"},
    ),
]
NULLS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({field: None}, {field: "null"})
    for field in ("username", "firstName", "alternativeEmails", "isSuperuser", "isActive")
]
NOTHING: list[tuple[dict[str, Any], dict[str | None, str]]] = [({}, {None: "Nothing to change"})]


def assert_named(found: list[tuple[str, str]], expected: dict[Any, str]) -> None:
    assert {field for field, _ in found} == expected.keys()
    for field, message in found:
        assert expected[field] in message


@pytest.mark.database
@pytest.mark.parametrize(("given", "expected"), BAD[-3:], ids=lambda value: ",".join(value))
async def test_create_returns_all_errors(
    admin: Caller, given: dict[str, Any], expected: dict[str, str]
) -> None:
    assert_named(await field_errors(admin, "createUser", **{"username": "zoe", **given}), expected)
    assert not await User.exists(username="zoe")


@pytest.mark.parametrize(
    ("given", "expected"), [*BAD, *NULLS, *NOTHING], ids=lambda value: ",".join(map(str, value))
)
async def test_update_returns_all_errors(
    admin: Caller, people: People, given: dict[str, Any], expected: dict[str, str]
) -> None:
    target = {"databaseId": people.carol.id, "version": 1}
    assert_named(await field_errors(admin, "updateUserAsAdmin", **target, **given), expected)
    assert (await User.get(id=people.carol.id)).version == 1


async def test_concurrent_username_is_taken(admin: Caller, people: People) -> None:
    async with in_transaction():
        await User.create(username="zoe")
        creating = asyncio.create_task(field_errors(admin, "createUser", username="ZOE"))
        await asyncio.sleep(0.2)  # until it waits for the database
        assert not creating.done()
    assert_named(await creating, {"username": "taken"})


@pytest.mark.parametrize("is_active", [False, True], ids=["closed", "open"])
async def test_closing_or_opening_ends_sessions(
    admin: Caller, bob: Caller, people: People, is_active: bool
) -> None:
    await User.filter(id=people.bob.id).update(is_active=not is_active)
    await change(admin, people.bob, isActive=is_active)
    assert await Session.filter(user_id=people.bob.id).count() == 0
    assert (await bob.graphql(VIEWER))["data"] in (None, {"viewer": None})


async def test_deleted_account_keeps_records(admin: Caller, alice: Caller, people: People) -> None:
    user = people.alice
    await ExternalIdentity.create(provider="google", subject="7", user=user)
    await VerifiedEmail.create(address="alice@example.org", user=user)
    await AccessRequest.create(user=user, created_at=datetime.now(UTC))
    await CredentialIssue.create(
        user=user,
        username="Alice",
        session_id=uuid4(),
        kind=CredentialKind.TOKEN,
        cluster="main",
        namespace="team-alice",
        service_account="alice",
        fingerprint="0" * 64,
        address="127.0.0.1",
        client="",
        issued_at=datetime.now(UTC),
    )
    payload = await done(admin, "deleteUser", databaseId=user.id, version=1)
    assert payload["user"] is None
    assert payload["deletedId"]
    for model in (Session, ExternalIdentity, VerifiedEmail, AccessRequest, Membership):
        assert not await model.exists(user_id=user.id)
    assert (await CredentialIssue.get()).username == "Alice"
    assert await ServiceAccount.exists(name="alice")
    assert (await alice.graphql(VIEWER))["data"] in (None, {"viewer": None})


async def test_set_password_ends_sessions(
    admin: Caller, anonymous: Caller, bob: Caller, people: People
) -> None:
    await User.filter(id=people.bob.id).update(declared_password_hash="declared")
    await done(admin, "setPassword", databaseId=people.bob.id, password="purple monkey 42")
    assert (await bob.graphql(VIEWER))["data"] in (None, {"viewer": None})
    assert not await can_sign_in(anonymous, "bob", "correct horse")
    assert await can_sign_in(anonymous, "bob", "purple monkey 42")
    assert (await User.get(id=people.bob.id)).declared_password_hash is None


async def test_sr17_own_password_needs_the_current_one(
    admin: Caller, anonymous: Caller, people: People
) -> None:
    own = {"databaseId": people.admin.id, "password": "purple monkey 42"}
    refused = await field_errors(admin, "setPassword", **own)
    assert refused == [("databaseId", "Use changePassword for your own password.")]
    assert await can_sign_in(anonymous, "admin", "correct horse")


@pytest.mark.parametrize("password", ["", "short", "password1", "x" * 129], ids=repr)
async def test_a_bad_password_is_refused(admin: Caller, people: People, password: str) -> None:
    refused = await field_errors(admin, "setPassword", databaseId=people.bob.id, password=password)
    assert [field for field, _ in refused] == ["password"]
    refused = await field_errors(admin, "createUser", username="bob2", password=password)
    assert [field for field, _ in refused] == ["password"]


async def test_all_sessions_of_a_user_can_be_ended(
    admin: Caller, anonymous: Caller, bob: Caller, people: People
) -> None:
    await anonymous.sign_in("bob", "correct horse")
    payload = await done(admin, "resetSessions", databaseId=people.bob.id)
    assert payload["endedCount"] == 2
    assert (await bob.graphql(VIEWER))["data"] in (None, {"viewer": None})


async def test_own_session_ends_only_on_request(
    admin: Caller, anonymous: Caller, people: People
) -> None:
    await anonymous.sign_in("admin", "correct horse")
    own = {"databaseId": people.admin.id}
    assert (await done(admin, "resetSessions", **own))["endedCount"] == 1
    assert (await done(admin, "resetSessions", **own, includeCurrent=True))["endedCount"] == 1
    payload = await answer(admin, "resetSessions", **own)
    assert [error["code"] for error in payload["errors"]] == ["UNAUTHENTICATED"]


async def test_only_administrators_read_their_comments(
    admin: Caller, alice: Caller, people: People
) -> None:
    await change(admin, people.alice, comments="Leaves in May")
    query = "{ viewer { comments } }"
    answered = await alice.graphql(query)
    assert answered["data"]["viewer"] == {"comments": None}
    assert await alice.codes(query) == ["FORBIDDEN"]
