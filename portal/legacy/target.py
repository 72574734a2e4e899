"""The database of this portal, into which everything is taken over."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from models import Database
from portal.databases import opened, up_to_date
from portal.legacy.mistakes import LegacyError
from portal.legacy.release import USERS
from portal.legacy.sqlite_file import open_file

SQLITE = "sqlite://"


def check_distinct(database_url: str, place: str) -> None:
    """Raises LegacyError where both are surely the same."""
    own = Database(database_url).sqlite_path
    if place == database_url or (
        own and own.resolve() == Path(place.removeprefix(SQLITE)).resolve()
    ):
        raise LegacyError("the source is the database of this portal itself: take another one")


@asynccontextmanager
async def open_target(database_url: str, *, dry_run: bool) -> AsyncIterator[None]:
    """The migrated database of this portal. Raises LegacyError for that of the former one."""
    await _check_target(Database(database_url))
    async with up_to_date(database_url, dry_run=dry_run):
        yield


async def _check_target(database: Database) -> None:
    """Nothing is ever made in the database of the former portal, however it is called."""
    file = database.sqlite_path
    is_former = _file_is_former(file) if file else await _server_is_former(database.url)
    if is_former:
        raise LegacyError(
            "KUBEPORTAL_DATABASE_URL leads to the database of the former portal:"
            " take another one for this portal"
        )


def _file_is_former(file: Path) -> bool:
    """Opened without what Tortoise does to a file; what is no database is told later."""
    if not file.exists():
        return False
    try:
        with closing(open_file(file)) as connection:
            query = "SELECT 1 FROM sqlite_master WHERE name = ?"
            return connection.execute(query, [USERS]).fetchone() is not None
    except sqlite3.DatabaseError:
        return False


async def _server_is_former(url: str) -> bool:
    async with opened(url) as database:
        [row] = await database.connection.execute_query_dict(
            "SELECT to_regclass($1) IS NOT NULL AS former", [USERS]
        )
    return bool(row["former"])
