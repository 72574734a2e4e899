"""Applying a declaration to the database that is open."""

from __future__ import annotations

from pathlib import Path

from auth.passwords import Passwords
from portal.declared.apply import apply, read


async def apply_file(
    file: Path, passwords: Passwords, *, dry_run: bool, google: bool = False
) -> str:
    """What `kubeportal apply` prints."""
    declared = await read(file, passwords)
    return str(await apply(declared, passwords, google=google, dry_run=dry_run))
