"""What a file says is made so at once, or not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from tortoise.transactions import in_transaction

from auth.passwords import Passwords
from models import Database, Group, User
from portal.declared import DeclarationError
from tests.declaring import apply_file
from tests.portal.declared.state import DJANGO_HASH, STATE, Declare, everything, groups_of, write
from tests.statements import recorded_statements

pytestmark = pytest.mark.database


async def test_a_statement_that_fails_midway_undoes_all_others(
    database: Database, declare: Declare
) -> None:
    if database.sqlite_path:
        refuse = (
            "CREATE TRIGGER refuse BEFORE INSERT ON verified_emails"
            " BEGIN SELECT RAISE(ABORT, ''); END"
        )
    else:
        refuse = "ALTER TABLE verified_emails ADD CHECK (address = '')"
    await declare("groups: [{name: Developers}]\nusers: [{username: bob}]")
    await database.connection.execute_query(refuse)
    before = await everything()
    with pytest.raises(DeclarationError, match="nothing was changed here, run it again"):
        await declare(STATE)
    assert await everything() == before


async def test_files_applied_at_the_same_time_take_turns(
    database: Database, declare: Declare
) -> None:
    async def apply() -> str:
        another = Database(database.url)
        await another.open()
        try:
            return await apply_file(Path("portal.yaml"), Passwords(), dry_run=False)
        finally:
            await another.close()

    write(STATE.replace("password: correct horse", ""))
    answers = sorted(await asyncio.gather(*(asyncio.create_task(apply()) for _ in range(3))))
    assert answers[1:] == ["Nothing to change."] * 2
    assert await User.all().count() == 2


async def test_a_name_taken_at_the_same_time_ends_cleanly(
    database: Database, declare: Declare
) -> None:
    another = Database(database.url)
    taken, release = asyncio.Event(), asyncio.Event()

    async def take() -> None:
        await another.open()
        async with in_transaction():
            await User.create(username="Alice")
            taken.set()
            await release.wait()
        await another.close()

    taking = asyncio.create_task(take())
    await taken.wait()
    applying = asyncio.create_task(declare(STATE))
    await asyncio.sleep(0.3)
    release.set()
    await taking
    (result,) = await asyncio.gather(applying, return_exceptions=True)
    if database.sqlite_path:
        assert "~ user Alice" in str(result)
    else:
        assert isinstance(result, DeclarationError)
        assert "run it again" in str(result)
        assert await Group.all().count() == 0
    await declare(STATE)
    assert await groups_of("Alice") == {"Developers", "Everyone", "Cluster"}


async def test_a_password_changed_while_it_was_compared_is_not_overwritten(
    database: Database, declare: Declare
) -> None:
    class Slow(Passwords):
        async def hash(self, password: str, owner: Iterable[str] = ()) -> str:
            await User.all().update(password_hash=DJANGO_HASH)
            return await super().hash(password, owner)

    await User.create(username="alice")
    write("users: [{username: alice, password: one fine day, firstName: A}]")
    with pytest.raises(DeclarationError, match="run it again"):
        await apply_file(Path("portal.yaml"), Slow(), dry_run=False)
    alice = await User.get()
    assert (alice.password_hash, alice.first_name) == (DJANGO_HASH, "")


async def test_two_thousand_users_are_quick_and_take_few_statements(
    database: Database, declare: Declare
) -> None:
    users = [
        f"""
  - username: user{number}
    firstName: First
    primaryEmail: user{number}@example.org
    alternativeEmails: [user{number}@alt.example.org]
    verifiedEmails: [user{number}@example.org]
    groups: [Developers, Operators]
    serviceAccount: {{namespace: team-{number}, name: default}}"""
        for number in range(2000)
    ]
    text = "groups: [{name: Developers}, {name: Operators}]\nusers:" + "".join(users)
    changed = text.replace("Operators]", "]").replace("firstName: First", "superuser: true")
    started = time.monotonic()
    assert (await declare(text)).endswith("10002 added, 0 changed, 0 removed.")
    assert time.monotonic() - started < 60
    with recorded_statements() as statements:
        assert (await declare(changed)).endswith("0 added, 2000 changed, 2000 removed.")
    assert len(statements) < 60
    assert await declare(changed) == "Nothing to change."
    assert await groups_of("user1999") == {"Developers"}
    assert await User.filter(first_name="First", is_superuser=True).count() == 2000
