"""The `kubeportal import-legacy` command."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from auth.passwords import Passwords
from models import Database
from models.database import IN_MEMORY
from portal.legacy.mistakes import LegacyError
from portal.legacy.opening import open_source
from portal.legacy.release import recognise
from portal.legacy.report import Report
from portal.legacy.run import Progress
from portal.legacy.takeover import import_legacy

SQLITE = "sqlite://"
STAND_IN = f"{SQLITE}{IN_MEMORY}"


async def run_import(database_url: str, place: str, *, dry_run: bool) -> Report:
    """Raises LegacyError; then nothing was changed."""
    _check_distinct(database_url, place)
    async with open_source(place) as source:
        release = await recognise(source)
        async with _target(database_url, dry_run=dry_run):
            with _progress() as progress:
                return await import_legacy(
                    source,
                    release,
                    Passwords(),
                    now=datetime.now(UTC),
                    dry_run=dry_run,
                    progress=progress,
                )


def _check_distinct(database_url: str, place: str) -> None:
    """Nothing is ever made in the database of the former portal."""
    own = Database(database_url).sqlite_path
    if place == database_url or (
        own and own.resolve() == Path(place.removeprefix(SQLITE)).resolve()
    ):
        raise LegacyError("the source is the database of this portal itself: take another one")


@asynccontextmanager
async def _target(database_url: str, *, dry_run: bool) -> AsyncIterator[None]:
    """The migrated database of this portal.

    A dry run leaves even an empty one empty: it happens in one that is gone afterwards.
    """
    database = Database(database_url)
    stands_in = dry_run and await database.is_empty()
    if stands_in:
        database = Database(STAND_IN)
    await database.open()
    try:
        if stands_in or not dry_run:
            await database.migrate()
        elif not await database.is_migrated():
            raise LegacyError("the database is not up to date: run `kubeportal migrate` first")
        yield
    finally:
        await database.close()


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar for people; scripts get none."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=1, label="Users", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield show
