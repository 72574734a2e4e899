"""Passwords over the network: signing in with them and changing them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.passwords import Passwords, PasswordsBusy, Verification
from models import AttemptCount, Database, Session, SignInMethod, User
from portal.cli.users import create_user
from portal.settings import Settings
from resolvers.errors import BadUserInput
from tests.callers import Caller, Clock, People

LOGIN = """
mutation ($username: String!, $password: String!) {
  login(input: {username: $username, password: $password}) { errors { code } }
}
"""
CHANGE = """
mutation ($current: String!, $new: String!) {
  changePassword(input: {currentPassword: $current, newPassword: $new}) {
    user { username }
    errors { code field message retryAfter }
  }
}
"""
VIEWER = "{ viewer { username } }"
OLD, NEW = "correct horse", "another horse"
EASY = "This password is too easy to guess: common, a pattern, or made of its owner's names."
# what Django 2.2 made of "alicepw"
DJANGO_ALICE = "pbkdf2_sha256$150000$yNteGoLEF5rg$5B5k1+cGA8ip44Ng1EXg1YbJW61Kxay187YwD1aLaFA="


async def change(caller: Caller, current: str, new: str) -> dict[str, Any]:
    payload: dict[str, Any] = (await caller.data(CHANGE, current=current, new=new))[
        "changePassword"
    ]
    return payload


async def failure(caller: Caller, current: str, new: str) -> tuple[str, str | None, str]:
    payload = await change(caller, current, new)
    assert payload["user"] is None
    [error] = payload["errors"]
    return error["code"], error["field"], error["message"]


async def code(caller: Caller, username: str, password: str) -> str:
    errors = (await caller.data(LOGIN, username=username, password=password))["login"]["errors"]
    return errors[0]["code"] if errors else "OK"


async def test_changed_password_replaces_the_old_one(anonymous: Caller, alice: Caller) -> None:
    assert await change(alice, OLD, NEW) == {"user": {"username": "Alice"}, "errors": []}
    assert await code(anonymous, "alice", OLD) == "INVALID_CREDENTIALS"
    assert await code(anonymous, "alice", NEW) == "OK"


async def test_sr17_change_ends_other_sessions(
    anonymous: Caller, alice: Caller, bob: Caller, people: People, clock: Clock
) -> None:
    elsewhere = await anonymous.sign_in("alice", OLD)
    token = await Session.create(
        id=UUID(int=1),
        user=people.alice,
        method=SignInMethod.TOKEN,
        created_at=clock(),
        expires_at=clock() + timedelta(days=30),
    )
    await change(alice, OLD, NEW)
    assert not await Session.exists(id=token.id)
    assert await elsewhere.data(VIEWER) == {"viewer": None}
    assert (await alice.data(VIEWER))["viewer"]
    assert (await bob.data(VIEWER))["viewer"]


async def test_change_clears_declared_hash(alice: Caller, people: People) -> None:
    await User.filter(id=people.alice.id).update(declared_password_hash="declared")
    await change(alice, OLD, NEW)
    assert (await User.get(id=people.alice.id)).declared_password_hash is None


@pytest.mark.parametrize(
    ("current", "new", "expected"),
    [
        ("wrong", NEW, ("currentPassword", "This is not your current password.")),
        ("", NEW, ("currentPassword", "This field may not be blank.")),
        (OLD, "", ("newPassword", "This field may not be blank.")),
        (OLD, "x7~9Qk#", ("newPassword", "A password has at least 8 characters.")),
        (OLD, "password1", ("newPassword", EASY)),
        (OLD, "alice@example.org", ("newPassword", EASY)),
        (OLD, "KubePortal", ("newPassword", EASY)),
        (OLD, "x" * 100_000, ("newPassword", "A password has at most 128 characters.")),
    ],
    ids=ascii,
)
async def test_refused_change_names_the_field(
    anonymous: Caller, alice: Caller, current: str, new: str, expected: tuple[str, str]
) -> None:
    elsewhere = await anonymous.sign_in("alice", OLD)
    assert await failure(alice, current, new) == ("BAD_USER_INPUT", *expected)
    assert await code(anonymous, "alice", OLD) == "OK"
    assert (await elsewhere.data(VIEWER))["viewer"]


async def test_account_without_password(alice: Caller, people: People) -> None:
    await User.filter(id=people.alice.id).update(password_hash=None)
    _, field, _ = await failure(alice, OLD, NEW)
    assert field == "currentPassword"


async def test_wrong_current_passwords_are_limited(
    anonymous: Caller, alice: Caller, clock: Clock
) -> None:
    payloads = await asyncio.gather(*(change(alice, "wrong", NEW) for _ in range(12)))
    codes = sorted(payload["errors"][0]["code"] for payload in payloads)
    assert codes == [*["BAD_USER_INPUT"] * 10, *["RATE_LIMITED"] * 2]
    [error] = (await change(alice, OLD, NEW))["errors"]
    assert (error["code"], error["retryAfter"]) == ("RATE_LIMITED", 900)
    assert await code(anonymous, "alice", OLD) == "OK"
    clock.advance(minutes=15)
    assert (await change(alice, OLD, NEW))["errors"] == []


async def test_failed_sign_ins_do_not_limit_a_change(anonymous: Caller, alice: Caller) -> None:
    await asyncio.gather(*(code(anonymous, "alice", "wrong") for _ in range(21)))
    assert (await change(alice, OLD, NEW))["errors"] == []


@pytest.mark.database
async def test_concurrent_changes_keep_one(anonymous: Caller, alice: Caller) -> None:
    payloads = await asyncio.gather(*(change(alice, OLD, new) for new in (NEW, "third horse")))
    [lost] = [payload["errors"][0] for payload in payloads if payload["errors"]]
    assert (lost["code"], lost["field"]) in {
        ("CONFLICT", None),
        ("BAD_USER_INPUT", "currentPassword"),
    }
    found = [await code(anonymous, "alice", new) for new in (NEW, "third horse")]
    assert sorted(found) == ["INVALID_CREDENTIALS", "OK"]


@pytest.mark.parametrize("change", [{"password_hash": NEW}, {"is_active": False}], ids=str)
async def test_sign_in_in_progress_notices_a_change(
    anonymous: Caller, people: People, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    """The password was right when it was verified."""
    verify = Passwords.verify

    async def overtaken(self: Passwords, password: str, stored: str | None) -> Verification:
        verification = await verify(self, password, stored)
        await User.filter(id=people.alice.id).update(**change)
        return verification

    monkeypatch.setattr(Passwords, "verify", overtaken)
    assert await code(anonymous, "alice", OLD) == "INVALID_CREDENTIALS"
    assert await Session.all().count() == 0


async def test_full_queue_is_no_failed_attempt(
    anonymous: Caller, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> Verification:
        raise PasswordsBusy

    monkeypatch.setattr(Passwords, "verify", busy)
    assert await code(anonymous, "alice", OLD) == "UNAVAILABLE"
    code_of_change, field, _ = await failure(alice, OLD, NEW)
    assert (code_of_change, field) == ("UNAVAILABLE", None)
    credentials = {"username": "alice", "password": OLD}
    response = await anonymous.rest("POST", "/login/", json=credentials)
    assert response.status_code == 503
    assert "try again" in response.json()["detail"]
    assert {count.count for count in await AttemptCount.all()} == {0}


async def test_change_takes_a_session(anonymous: Caller) -> None:
    code, _, _ = await failure(anonymous, OLD, NEW)
    assert code == "UNAUTHENTICATED"


@pytest.mark.parametrize("password", ["password1", "zaphod42", "x7~9Qk#", "x" * 129])
async def test_sr03_command_line_refuses_weak_passwords(database: Database, password: str) -> None:
    user = User(username="zaphod", primary_email="zb@example.org")
    with pytest.raises(BadUserInput):
        await create_user(Settings(), user, password)
    assert not await User.exists()


@pytest.mark.database
async def test_sr02_django_hash_is_replaced_at_sign_in(anonymous: Caller, people: People) -> None:
    await User.filter(id=people.alice.id).update(password_hash=DJANGO_ALICE)
    assert await code(anonymous, "alice", "wrong") == "INVALID_CREDENTIALS"
    assert (await User.get(id=people.alice.id)).password_hash == DJANGO_ALICE
    found = await asyncio.gather(*(code(anonymous, "alice", "alicepw") for _ in range(3)))
    assert found == ["OK"] * 3
    replaced = (await User.get(id=people.alice.id)).password_hash
    assert str(replaced).startswith("$argon2id$v=19$")
    assert await code(anonymous, "alice", "alicepw") == "OK"


async def test_sr04_closed_account_equals_missing_one(
    anonymous: Caller, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str | None] = []

    async def recorded(self: Passwords, password: str, stored: str | None) -> Verification:
        compared.append(stored)
        return Verification(ok=False)

    monkeypatch.setattr(Passwords, "verify", recorded)
    for username in ("nobody", "carol"):
        assert await code(anonymous, username, OLD) == "INVALID_CREDENTIALS"
    assert compared == [None, None]
