"""Takes over everything from the former portal, all at once or not at all."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from auth.passwords import Passwords
from models import AuditActor, AuditKind
from models.database import DatabaseBusy, take_turn
from portal.legacy.accounts import note_shared
from portal.legacy.administrators import Administrators, record_administrators
from portal.legacy.groups import take_groups
from portal.legacy.keys import check_keys
from portal.legacy.mistakes import LegacyError
from portal.legacy.next_steps import next_steps
from portal.legacy.release import Release
from portal.legacy.report import Report
from portal.legacy.run import Progress, Run
from portal.legacy.sequences import advance_sequences
from portal.legacy.source import Source
from portal.legacy.taking_users import take_users
from portal.legacy.webapps import take_webapps
from resolvers.audit import record


class _Undone(Exception):
    """Ends a dry run."""


async def import_legacy(
    source: Source,
    release: Release,
    passwords: Passwords,
    *,
    now: datetime,
    dry_run: bool,
    progress: Progress,
) -> Report:
    """Raises LegacyError; then nothing was changed."""
    run = Run(
        source=source,
        release=release,
        report=Report(source.label, release.name, dry_run),
        passwords=passwords,
        now=now,
        progress=progress,
    )
    await check_keys(source)
    try:
        async with in_transaction() as connection:
            await _take_over(run, connection)
    except _Undone:
        pass
    except DatabaseBusy:
        raise LegacyError("the database is busy; nothing was changed, run it again") from None
    except IntegrityError:
        raise LegacyError(
            "somebody else changed the same things at the same time; nothing was changed here,"
            " run it again"
        ) from None
    return run.report


async def _take_over(run: Run, connection: BaseDBAsyncClient) -> None:
    await take_turn(connection)
    administrators = await Administrators.now()
    await take_webapps(run)
    await take_groups(run)
    await take_users(run)
    await note_shared(run)
    run.report.complete()
    run.report.next_steps = await next_steps(run)
    if run.report.dry_run:
        raise _Undone
    await advance_sequences(connection)
    await _record(run.report)
    await record_administrators(administrators)


async def _record(report: Report) -> None:
    tables = {title: asdict(counts) for title, counts in report.tables.items()}
    await record(
        AuditActor.OPERATOR,
        AuditKind.LEGACY_IMPORTED,
        source=report.source,
        release=report.release,
        tables=tables,
    )
