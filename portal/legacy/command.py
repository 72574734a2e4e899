"""The `kubeportal import-legacy` command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from auth.passwords import Passwords
from portal.legacy.opening import open_source
from portal.legacy.release import recognise
from portal.legacy.report import Report
from portal.legacy.run import Progress
from portal.legacy.takeover import import_legacy
from portal.legacy.target import check_distinct, open_target


async def run_import(database_url: str, place: str, *, dry_run: bool) -> Report:
    """Raises LegacyError; then nothing was changed."""
    check_distinct(database_url, place)
    async with open_source(place) as source:
        release = await recognise(source)
        async with open_target(database_url, dry_run=dry_run):
            with _progress() as progress:
                return await import_legacy(
                    source,
                    release,
                    Passwords(),
                    now=datetime.now(UTC),
                    dry_run=dry_run,
                    progress=progress,
                )


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
