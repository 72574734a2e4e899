"""The `kubeportal import-legacy` command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from auth.passwords import Passwords
from models import Database
from portal.databases import up_to_date
from portal.legacy.mistakes import LegacyError
from portal.legacy.opening import open_source
from portal.legacy.release import recognise
from portal.legacy.report import Report
from portal.legacy.run import Progress
from portal.legacy.takeover import import_legacy

SQLITE = "sqlite://"


async def run_import(database_url: str, place: str, *, dry_run: bool) -> Report:
    """Raises LegacyError; then nothing was changed."""
    _check_distinct(database_url, place)
    async with open_source(place) as source:
        release = await recognise(source)
        async with up_to_date(database_url, dry_run=dry_run):
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
