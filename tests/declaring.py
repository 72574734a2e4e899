"""Applying a declaration to the database that is open."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auth.passwords import Passwords
from portal.declared.apply import apply
from portal.declared.format import read_declaration
from resolvers.changes import WriteOptions


async def apply_file(
    path: Path, passwords: Passwords, *, dry_run: bool, google: bool = False, **policy: Any
) -> str:
    """What `kubeportal apply` prints."""
    file, declaration = read_declaration(path)
    options = WriteOptions(now=datetime.now(UTC), google=google, dry_run=dry_run, **policy)
    return str(await apply(file, declaration, passwords, options))
