"""The `kubeportal apply` command."""

from __future__ import annotations

from pathlib import Path

from auth.passwords import Passwords
from portal.databases import up_to_date
from portal.declared.apply import Applied, apply, read
from portal.settings import Settings


async def run_apply(settings: Settings, file: Path, *, dry_run: bool) -> Applied:
    """Raises DeclarationError; then nothing was changed, nor for a mistake in the file opened."""
    passwords = Passwords(names=settings.names)
    declared = await read(file, passwords)
    async with up_to_date(settings.database_url, dry_run=dry_run):
        return await apply(declared, passwords, google=settings.google_is_on, dry_run=dry_run)
