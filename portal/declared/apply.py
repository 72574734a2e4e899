"""Makes the database as a file declares it, all at once or not at all."""

from __future__ import annotations

from pathlib import Path

from anyio.to_thread import run_sync
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import IntegrityError, OperationalError
from tortoise.transactions import in_transaction

from auth.passwords import Passwords
from portal.declared.changes import diff
from portal.declared.checks import check
from portal.declared.document import read_document
from portal.declared.mistakes import DeclarationError
from portal.declared.passwords import Outdated, compare_passwords
from portal.declared.plan import plan
from portal.declared.state import load
from portal.declared.validation import validate
from portal.declared.writes import write

APPLY_LOCK = 0x6170706C  # any number that nothing else in the database locks


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
            await _take_turn(connection)
            state = await load(declaration)
            check(document, declaration, state)
            changes = plan(declaration, state, comparisons)
            await write(changes)
    except (IntegrityError, Outdated):
        raise DeclarationError(
            f"{document.file}: somebody else changed the same things at the same time;"
            " nothing was changed here, run it again"
        ) from None
    return diff(changes, dry_run=False)


async def _take_turn(connection: BaseDBAsyncClient) -> None:
    """One file at a time, so that the database is never a mixture of two."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query("SELECT pg_advisory_xact_lock($1)", [APPLY_LOCK])
        return
    try:  # SQLite waits for a turn to write only before the first statement that reads
        await connection.execute_query("UPDATE users SET id = id WHERE FALSE")
    except OperationalError:
        raise DeclarationError("the database is busy; nothing was changed, run it again") from None
