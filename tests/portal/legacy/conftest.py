from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import pytest

from models import (
    AccessRequest,
    Database,
    ExternalIdentity,
    Grant,
    Group,
    LegacyRow,
    Membership,
    ServiceAccount,
    User,
    VerifiedEmail,
    WebApp,
)
from portal.legacy.command import import_legacy
from portal.legacy.release import recognise
from portal.legacy.report import Report
from portal.legacy.source import open_source
from resolvers.changes import WriteOptions
from tests.callers import Clock
from tests.databases import new_database
from tests.portal.legacy.former import Rows, former, write_sqlite

Import: TypeAlias = Callable[..., Coroutine[Any, Any, Report]]
Snapshot: TypeAlias = Callable[[], Coroutine[Any, Any, dict[str, list[dict[str, Any]]]]]

MODELS = (
    AccessRequest,
    ExternalIdentity,
    Grant,
    Group,
    LegacyRow,
    Membership,
    ServiceAccount,
    User,
    VerifiedEmail,
    WebApp,
)


@pytest.fixture
def rows() -> Rows:
    """The rows of the former portal; tests edit them before the import."""
    return former()


@pytest.fixture
async def former_postgres(postgres_url: str) -> AsyncIterator[str]:
    """The URL of an empty database."""
    async with new_database(postgres_url, f"former_{uuid4().hex}") as url:
        yield url


@pytest.fixture
def import_rows(database: Database, clock: Clock, tmp_path: Path) -> Import:
    """Imports such rows, or the database at a place."""

    async def import_rows(rows: Rows | None = None, *, place: str = "", **options: Any) -> Report:
        if rows is not None:
            place = str(write_sqlite(tmp_path / "former.sqlite3", rows))
        progress = options.pop("progress", lambda done, total: None)
        async with open_source(place) as source:
            return await import_legacy(
                source,
                await recognise(source),
                WriteOptions(now=clock.now, google=True, **options),
                progress,
            )

    return import_rows


@pytest.fixture
def snapshot(database: Database) -> Snapshot:
    """All rows of the portal that an import may write."""

    async def snapshot() -> dict[str, list[dict[str, Any]]]:
        return {model.__name__: await model.all().order_by("id").values() for model in MODELS}

    return snapshot
