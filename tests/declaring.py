"""Applying a declaration to the database that is open."""

from __future__ import annotations

from pathlib import Path

from auth.passwords import Passwords
from portal.declared.apply import apply
from portal.declared.format import read_declaration


async def apply_file(
    path: Path, passwords: Passwords, *, dry_run: bool, google: bool = False
) -> str:
    """What `kubeportal apply` prints."""
    file, declaration = read_declaration(path)
    return str(await apply(file, declaration, passwords, google=google, dry_run=dry_run))
