from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from auth.passwords import Passwords
from models import Database
from portal.legacy.opening import open_source
from portal.legacy.release import recognise
from portal.legacy.report import Report
from portal.legacy.takeover import import_legacy
from tests.callers import Clock
from tests.portal.legacy.former import Rows, former, write_sqlite

TakeOver = Callable[..., Coroutine[Any, Any, Report]]


@pytest.fixture
def rows() -> Rows:
    """Of the former portal: tests change them before they are taken over."""
    return former()


@pytest.fixture
def take_over(database: Database, clock: Clock, tmp_path: Path) -> TakeOver:
    """Takes over such rows, or what is at a place."""

    async def take_over(rows: Rows | None = None, *, place: str = "", **options: Any) -> Report:
        if rows is not None:
            place = str(write_sqlite(tmp_path / "former.sqlite3", rows))
        async with open_source(place) as source:
            return await import_legacy(
                source,
                await recognise(source),
                Passwords(),
                now=clock.now,
                dry_run=options.get("dry_run", False),
                progress=options.get("progress", lambda done, total: None),
            )

    return take_over
