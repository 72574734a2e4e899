"""Applying a file keeps at least one administrator, where there was one."""

from __future__ import annotations

from pathlib import Path

import pytest

from auth.passwords import Passwords
from models import Database
from portal.declared import DeclarationError
from tests.declaring import apply_file
from tests.portal.declared.state import Declare, everything, write

REFUSAL = r"This would leave the portal without an administrator who can sign in\.$"
BEFORE = """
groups: [{name: Operators, canAdmin: true}, {name: Others, canAdmin: true}, {name: Developers}]
users:
  - {username: bob, password: one fine day}
  - {username: closed, password: one fine day, superuser: true, active: false}
  - {username: nameless, superuser: true}
"""
ROOT = "users: [{username: alice, password: one fine day, superuser: true}]"
MEMBER = "users: [{username: alice, password: one fine day, groups: [Operators]}]"
BY_GOOGLE = "users: [{username: alice, superuser: true, verifiedEmails: [a@example.org]}]"
LOSSES = [
    (ROOT, "users: [{username: alice, active: false}]"),
    (ROOT, "users: [{username: alice, superuser: false}]"),
    (ROOT, "users: [{username: alice, superuser: false, groups: [Developers]}]"),
    (ROOT, "users: [{username: alice, active: false}, {username: closed, superuser: false}]"),
    (ROOT, "users: [{username: alice, active: false}, {username: new, superuser: true}]"),
    (MEMBER, "users: [{username: alice, active: false}]"),
    (MEMBER, "users: [{username: alice, groups: []}]"),
    (MEMBER, "users: [{username: alice, groups: [Developers]}]"),
    (MEMBER, "groups: [{name: Operators, canAdmin: false}]"),
    (MEMBER, "groups: [{name: Operators, canAdmin: false, membership: ALL_USERS}]"),
    (BY_GOOGLE, "users: [{username: alice, verifiedEmails: []}]"),
]
REPLACEMENTS = [
    (ROOT, "users: [{username: alice, active: false}, {username: bob, superuser: true}]"),
    (ROOT, "users: [{username: alice, superuser: false}, {username: bob, groups: [Others]}]"),
    (ROOT, "users: [{username: alice, superuser: false, groups: [Operators]}]"),
    (ROOT, "users: [{username: alice, active: false}, {username: closed, active: true}]"),
    (
        ROOT,
        "users: [{username: alice, active: false},"
        " {username: new, superuser: true, password: one fine day}]",
    ),
    (MEMBER, "users: [{username: alice, groups: [Others]}]"),
    (
        MEMBER,
        "groups: [{name: Operators, canAdmin: false}, {name: Developers, canAdmin: true}]\n"
        "users: [{username: bob, groups: [Developers]}]",
    ),
]


async def declare_with_google(text: str, *, dry_run: bool = False) -> str:
    write(text)
    return await apply_file(Path("portal.yaml"), Passwords(), dry_run=dry_run, google=True)


@pytest.mark.parametrize(("before", "after"), LOSSES)
async def test_the_last_administrator_stays(
    database: Database, declare: Declare, before: str, after: str
) -> None:
    for text in (BEFORE, before):
        await declare_with_google(text)
    rows = await everything()
    for dry_run in (True, False):
        with pytest.raises(DeclarationError, match=REFUSAL):
            await declare_with_google(after, dry_run=dry_run)
        assert await everything() == rows


@pytest.mark.parametrize(("before", "after"), REPLACEMENTS)
async def test_another_may_take_over_in_the_same_file(
    database: Database, declare: Declare, before: str, after: str
) -> None:
    for text in (BEFORE, before):
        await declare(text)
    await declare(after, dry_run=True)
    await declare(after)


async def test_file_without_administrators_is_accepted(
    database: Database, declare: Declare
) -> None:
    await declare("users: [{username: bob, password: one fine day}]")
    await declare("users: [{username: bob, active: false}]")


async def test_address_is_no_sign_in_without_google(database: Database, declare: Declare) -> None:
    await declare(BY_GOOGLE)
    await declare("users: [{username: alice, verifiedEmails: []}]")
