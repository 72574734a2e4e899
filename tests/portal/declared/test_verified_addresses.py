"""Verified addresses are exactly the listed ones."""

from __future__ import annotations

import pytest

from models import Database, VerifiedEmail
from portal.declared import DeclarationError
from tests.portal.declared.state import Declare


async def test_verified_addresses_match_the_list(database: Database, declare: Declare) -> None:
    await declare("users: [{username: alice, verifiedEmails: [A@example.org, b@example.org]}]")
    await declare("users: [{username: alice, verifiedEmails: [B@example.org, c@example.org]}]")
    assert {v.address for v in await VerifiedEmail.all()} == {"b@example.org", "c@example.org"}


async def test_verified_address_moves_between_users(database: Database, declare: Declare) -> None:
    await declare("users: [{username: alice, verifiedEmails: [a@example.org]}, {username: bob}]")
    with pytest.raises(DeclarationError, match=r"a verified address of another user\.$"):
        await declare("users:\n  - {username: bob, verifiedEmails: [a@example.org]}")
    await declare("""
users:
  - {username: bob, verifiedEmails: [a@example.org]}
  - {username: alice, verifiedEmails: []}
""")
    assert (await VerifiedEmail.get().select_related("user")).user.username == "bob"
