"""A file is applied in one transaction, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from auth.passwords import Passwords
from models import Database, User
from portal.declared import DeclarationError
from tests.declaring import apply_file
from tests.portal.declared.state import DJANGO_HASH, STATE, Declare, groups_of, write
from tests.statements import recorded_statements

pytestmark = pytest.mark.database


async def test_concurrent_files_are_applied_in_turn(database: Database, declare: Declare) -> None:
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


async def test_concurrent_password_change_is_kept(database: Database, declare: Declare) -> None:
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


async def test_many_users_take_few_statements(database: Database, declare: Declare) -> None:
    users = [
        f"""
  - username: user{number}
    firstName: First
    primaryEmail: user{number}@example.org
    alternativeEmails: [user{number}@alt.example.org]
    verifiedEmails: [user{number}@example.org]
    groups: [Developers, Operators]
    serviceAccount: {{namespace: team-{number}, name: default}}"""
        for number in range(600)
    ]
    text = "groups: [{name: Developers}, {name: Operators}]\nusers:" + "".join(users)
    changed = text.replace("Operators]", "]").replace("firstName: First", "superuser: true")
    assert (await declare(text)).endswith("2402 added, 0 changed, 0 removed.")
    with recorded_statements() as statements:
        assert (await declare(changed)).endswith("0 added, 600 changed, 600 removed.")
    assert len(statements) < 60
    assert await declare(changed) == "Nothing to change."
    assert await groups_of("user599") == {"Developers"}
    assert await User.filter(first_name="First", is_superuser=True).count() == 600
