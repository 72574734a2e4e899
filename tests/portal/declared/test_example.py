"""The example does what it shows."""

from __future__ import annotations

from pathlib import Path

from auth.passwords import Passwords
from models import Database
from tests.callers import Caller
from tests.declaring import apply_file

EXAMPLE = Path(__file__).parents[3] / "deploy" / "example" / "portal.yaml"


async def test_example_applies_and_its_users_sign_in(
    database: Database, passwords: Passwords, anonymous: Caller
) -> None:
    database.activate()
    await apply_file(EXAMPLE, passwords, dry_run=False)
    assert await apply_file(EXAMPLE, passwords, dry_run=False) == "Nothing to change."
    query = "{ viewer { isAdmin accessState webapps { name } } }"
    seen = {}
    for name in ("admin", "alice", "bob", "carol"):
        caller = await anonymous.sign_in(name, f"{name}-demo")
        seen[name] = (await caller.data(query))["viewer"]
    assert {name: viewer["isAdmin"] for name, viewer in seen.items()} == {
        "admin": True,
        "alice": True,
        "bob": False,
        "carol": False,
    }
    assert seen["bob"]["accessState"] == "APPROVED"
    assert {webapp["name"] for webapp in seen["carol"]["webapps"]} == {"Handbook", "Notebooks"}
