"""Passwords and hashes are set where they differ, and end the sessions of old ones."""

from __future__ import annotations

from auth.passwords import Passwords
from models import Database, Session, User
from tests.callers import Caller, Clock
from tests.portal.declared.state import ANOTHER_HASH, DJANGO_HASH, Declare, session_of


async def test_password_is_set_only_when_it_differs(
    database: Database, declare: Declare, passwords: Passwords, clock: Clock
) -> None:
    text = "users: [{username: alice, password: one fine day}]"
    assert "password set" in await declare(text)
    first = await User.get()
    await session_of(first, clock)
    assert await declare(text) == "Nothing to change."
    assert (await User.get()).password_hash == first.password_hash
    diff = await declare(text.replace("one", "two"))
    assert diff.splitlines()[0] == "~ user alice: password changed, sessions ended: 1"
    assert (await passwords.verify("two fine day", (await User.get()).password_hash)).ok
    assert await Session.all().count() == 0


async def test_password_keeps_a_django_hash_of_it(database: Database, declare: Declare) -> None:
    await User.create(username="alice", password_hash=DJANGO_HASH)
    assert await declare("users: [{username: alice, password: alicepw}]") == "Nothing to change."
    assert (await User.get()).password_hash == DJANGO_HASH


async def test_declared_hash_stays_upgraded_after_sign_in(
    database: Database, declare: Declare, anonymous: Caller
) -> None:
    database.activate()
    text = f"users: [{{username: alice, passwordHash: {DJANGO_HASH}}}]"
    assert "password set" in await declare(text)
    await anonymous.sign_in("alice", "alicepw")
    database.activate()
    upgraded = (await User.get()).password_hash
    assert upgraded != DJANGO_HASH
    assert await declare(text) == "Nothing to change."
    assert (await User.get()).password_hash == upgraded
    assert await Session.all().count() == 1


async def test_another_hash_replaces_the_password(
    database: Database, declare: Declare, clock: Clock
) -> None:
    await declare(f"users: [{{username: alice, passwordHash: {DJANGO_HASH}}}]")
    await session_of(await User.get(), clock)
    diff = await declare(f"users: [{{username: alice, passwordHash: {ANOTHER_HASH}}}]")
    assert diff.splitlines()[0] == "~ user alice: password changed, sessions ended: 1"
    assert (await User.get()).password_hash == ANOTHER_HASH
    assert await Session.all().count() == 0


async def test_stored_hash_ends_no_session(
    database: Database, declare: Declare, clock: Clock
) -> None:
    alice = await User.create(username="alice", password_hash=DJANGO_HASH)
    await session_of(alice, clock)
    text = f"users: [{{username: alice, passwordHash: {DJANGO_HASH}}}]"
    assert await declare(text) == "Nothing to change."
    assert await Session.all().count() == 1


async def test_stored_hash_may_be_upgraded_afterwards(database: Database, declare: Declare) -> None:
    await User.create(username="alice", password_hash=DJANGO_HASH)
    text = f"users: [{{username: alice, passwordHash: {DJANGO_HASH}}}]"
    await declare(text)
    await User.filter(username="alice").update(password_hash="upgraded by a sign-in")
    assert await declare(text) == "Nothing to change."
    assert (await User.get(username="alice")).password_hash == "upgraded by a sign-in"


async def test_hash_replaces_a_declared_password(database: Database, declare: Declare) -> None:
    by_hash = f"users: [{{username: alice, passwordHash: {DJANGO_HASH}}}]"
    await declare(by_hash)
    await declare("users: [{username: alice, password: another horse}]")
    assert (await User.get()).declared_password_hash is None
    assert "password changed" in await declare(by_hash)
    assert (await User.get()).password_hash == DJANGO_HASH


async def test_diff_shows_no_secrets(database: Database, declare: Declare) -> None:
    hidden = "users: [{username: alice, password: hunter2 and dog}]"
    hashed = f"users: [{{username: alice, passwordHash: {DJANGO_HASH}}}]"
    shown = [await declare(text, dry_run=dry) for text in (hidden, hashed) for dry in (True, False)]
    stored = (await User.get()).password_hash
    assert "hunter2" not in "".join(shown)
    assert "pbkdf2" not in "".join(shown)
    assert str(stored) not in "".join(shown)


async def test_closed_account_loses_sessions(
    database: Database, declare: Declare, clock: Clock
) -> None:
    await session_of(await User.create(username="alice"), clock)
    await session_of(await User.create(username="bob"), clock)
    diff = await declare("users: [{username: alice, active: false}, {username: bob, active: true}]")
    assert diff.splitlines()[0] == "~ user alice: active true → false, sessions ended: 1"
    remaining = await Session.all().select_related("user")
    assert [session.user.username for session in remaining] == ["bob"]
