"""Makes the database as a file declares it, all at once or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyio.to_thread import run_sync
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from auth.passwords import Passwords
from models.database import DatabaseBusy, take_turn
from portal.declared.changes import Change, diff
from portal.declared.checks import check
from portal.declared.declaration import Declaration
from portal.declared.document import Document, read_document
from portal.declared.mistakes import DeclarationError
from portal.declared.passwords import Comparisons, Outdated, compare_passwords
from portal.declared.plan import plan
from portal.declared.record import record_changes
from portal.declared.state import State, load
from portal.declared.texts import phrase
from portal.declared.validation import validate
from portal.declared.writes import write
from resolvers.administrators import has_administrator
from resolvers.writes import LAST_ADMINISTRATOR

REMEDY = (
    "leave one active user who has a password and is a superuser, or in a group with canAdmin;"
    " nothing was changed"
)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file says, as far as the file alone can tell that it is right."""

    document: Document
    declaration: Declaration


@dataclass(frozen=True, slots=True)
class Applied:
    """What was changed, or would be; and whether somebody can administrate the portal then."""

    changes: Sequence[Change]
    has_administrator: bool
    dry_run: bool

    def __str__(self) -> str:
        return diff(self.changes, dry_run=self.dry_run)


async def read(file: Path, passwords: Passwords) -> Declared:
    """Raises DeclarationError."""
    document = await run_sync(read_document, file)
    return Declared(document, await run_sync(validate, document, passwords.knows))


async def apply(
    declared: Declared, passwords: Passwords, *, google: bool, dry_run: bool
) -> Applied:
    """`google` says whether people sign in with it.

    Raises DeclarationError; then nothing was changed.
    """
    comparisons = await _compare_passwords(declared, passwords)
    try:
        async with in_transaction() as connection:
            await take_turn(connection)
            changes, administrated = await _change(declared, comparisons, google=google)
            if dry_run:
                await connection.rollback()
            else:
                await record_changes(changes)
    except DatabaseBusy:
        raise DeclarationError("the database is busy; nothing was changed, run it again") from None
    except (IntegrityError, Outdated):
        raise DeclarationError(
            f"{declared.document.file}: somebody else changed the same things at the same time;"
            " nothing was changed here, run it again"
        ) from None
    return Applied(changes, administrated, dry_run)


async def _compare_passwords(declared: Declared, passwords: Passwords) -> Comparisons:
    """Before the transaction, since it is slow; only for a declaration that fits."""
    state = await _load(declared)
    return await compare_passwords(declared.document, declared.declaration, state, passwords)


async def _change(
    declared: Declared, comparisons: Comparisons, *, google: bool
) -> tuple[Sequence[Change], bool]:
    """The changes, carried out, and whether there is an administrator then."""
    changes = plan(declared.declaration, await _load(declared), comparisons)
    before = await has_administrator(google=google)
    await write(changes)
    after = await has_administrator(google=google)
    if before and not after:
        raise DeclarationError(f"{declared.document.file}: {phrase(LAST_ADMINISTRATOR)}: {REMEDY}")
    return changes, after


async def _load(declared: Declared) -> State:
    """Raises DeclarationError where the declaration does not fit."""
    state = await load(declared.declaration)
    check(declared.document, declared.declaration, state)
    return state
