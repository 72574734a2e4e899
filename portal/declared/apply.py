"""Makes the database as a file declares it, all at once or not at all."""

from __future__ import annotations

from pathlib import Path

from anyio.to_thread import run_sync
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from auth.passwords import Passwords
from models.turns import DatabaseBusy, take_turn
from portal.declared.changes import diff
from portal.declared.checks import check
from portal.declared.document import read_document
from portal.declared.mistakes import DeclarationError
from portal.declared.passwords import Outdated, compare_passwords
from portal.declared.plan import plan
from portal.declared.record import record_changes
from portal.declared.state import load
from portal.declared.validation import validate
from portal.declared.writes import write


async def apply_file(file: Path, passwords: Passwords, *, dry_run: bool) -> str:
    """Returns a diff for people. Raises DeclarationError; then nothing was changed."""
    document = await run_sync(read_document, file)
    declaration = await run_sync(validate, document, passwords.knows)
    state = await load(declaration)
    check(document, declaration, state)
    comparisons = await compare_passwords(document, declaration, state, passwords)
    if dry_run:
        return diff(plan(declaration, state, comparisons), dry_run=True)
    try:
        async with in_transaction() as connection:
            await take_turn(connection)
            state = await load(declaration)
            check(document, declaration, state)
            changes = plan(declaration, state, comparisons)
            await write(changes)
            await record_changes(changes)
    except DatabaseBusy:
        raise DeclarationError("the database is busy; nothing was changed, run it again") from None
    except (IntegrityError, Outdated):
        raise DeclarationError(
            f"{document.file}: somebody else changed the same things at the same time;"
            " nothing was changed here, run it again"
        ) from None
    return diff(changes, dry_run=False)
