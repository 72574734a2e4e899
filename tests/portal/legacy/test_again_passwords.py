"""Passwords that were changed there, or here, and hashes that became newer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from auth.passwords import Passwords
from models import (
    Session,
    SignInMethod,
    User,
)
from tests.callers import Caller, Clock
from tests.declaring import apply_file
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.edits import change
from tests.portal.legacy.former import (
    HASHES,
    USERS,
    Edit,
    Rows,
    find,
)

pytestmark = pytest.mark.database


async def test_an_upgraded_hash_is_not_undone(
    rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    await anonymous.sign_in("bob", "bobpw")
    report = await take_over(rows)
    assert report.tables["users"].same == 6
    assert ((await User.get(id=3)).password_hash or "").startswith("$argon2id$")


async def test_a_password_that_was_changed_here_is_never_revived(
    rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    await User.filter(id=3).update(password_hash=await Passwords().hash("changed here"))
    find(rows, USERS, 3)["password"] = HASHES["alice"]
    await take_over(rows)
    await anonymous.sign_in("bob", "changed here")


@pytest.mark.parametrize(
    ("edit", "sessions"),
    [
        (change(USERS, 3, is_active=False), 0),
        (change(USERS, 3, password=HASHES["alice"]), 0),
        (change(USERS, 3, first_name="There"), 1),
    ],
    ids=["closed", "password", "name"],
)
async def test_sessions_end_with_the_account_or_the_password(
    edit: Edit, sessions: int, rows: Rows, take_over: TakeOver, clock: Clock
) -> None:
    await take_over(rows)
    await Session.create(
        id=uuid4(),
        user_id=3,
        method=SignInMethod.PASSWORD,
        created_at=clock.now,
        last_used_at=clock.now,
        expires_at=clock.now + timedelta(hours=1),
    )
    edit(rows)
    await take_over(rows)
    assert await Session.filter(user_id=3).count() == sessions


async def signs_in(anonymous: Caller, username: str, password: str) -> bool:
    body = {"username": username, "password": password}
    return (await anonymous.rest("POST", "/login/", json=body)).status_code == 200


async def test_a_password_that_was_changed_there_comes_over_after_a_sign_in_here(
    rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    await anonymous.sign_in("bob", "bobpw")
    find(rows, USERS, 3)["password"] = HASHES["alice"]
    report = await take_over(rows)
    assert report.tables["users"].changed == 1
    assert await signs_in(anonymous, "bob", "alicepw")
    assert not await signs_in(anonymous, "bob", "bobpw")
    assert (await take_over(rows)).tables["users"].same == 6


async def test_it_does_so_after_any_number_of_newer_hashes(
    rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    bob = await User.get(id=3)
    for password_hash in ("$argon2id$of yesterday", "$argon2id$of today"):
        await User.filter(id=3).update(**bob.upgraded_to(password_hash))
        await bob.refresh_from_db()
    find(rows, USERS, 3)["password"] = HASHES["alice"]
    await take_over(rows)
    assert await signs_in(anonymous, "bob", "alicepw")


async def change_password(bob: Caller, admin: Caller) -> None:
    mutation = """mutation { changePassword(input: {
        currentPassword: "bobpw", newPassword: "violet harbour 42" }) { errors { code } } }"""
    assert (await bob.data(mutation))["changePassword"]["errors"] == []


async def set_password(bob: Caller, admin: Caller) -> None:
    mutation = """mutation { setPassword(input: {
        databaseId: 3, password: "violet harbour 42" }) { errors { code } } }"""
    assert (await admin.data(mutation))["setPassword"]["errors"] == []


@pytest.mark.parametrize("change", [change_password, set_password])
async def test_a_password_that_was_changed_here_stays_whoever_changed_it(
    change: Callable[[Caller, Caller], Awaitable[None]],
    rows: Rows,
    take_over: TakeOver,
    anonymous: Caller,
) -> None:
    await take_over(rows)
    bob, admin = await anonymous.sign_in("bob", "bobpw"), await anonymous.sign_in("root", "rootpw")
    await change(bob, admin)
    find(rows, USERS, 3)["password"] = HASHES["alice"]
    report = await take_over(rows)
    assert ("user 3 (bob)", "password_hash") in [(r.subject, r.detail) for r in report.remarks]
    assert await signs_in(anonymous, "bob", "violet harbour 42")


async def test_a_password_that_was_declared_here_stays(
    rows: Rows, take_over: TakeOver, anonymous: Caller, tmp_path: Path
) -> None:
    await take_over(rows)
    await anonymous.sign_in("bob", "bobpw")
    file = tmp_path / "portal.yaml"
    file.write_text("users: [{username: bob, password: violet harbour 42}]")
    await apply_file(file, Passwords(), dry_run=False)
    find(rows, USERS, 3)["password"] = HASHES["alice"]
    await take_over(rows)
    assert await signs_in(anonymous, "bob", "violet harbour 42")
