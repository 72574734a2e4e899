"""The database of a command: opened, brought up to date, or only looked at."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
from tortoise.exceptions import DBConnectionError, OperationalError

from models import Database
from models.database import IN_MEMORY
from portal.errors import OperatorError
from portal.logs import reason
from portal.settings import postgres_label

VARIABLE = "KUBEPORTAL_DATABASE_URL"
STAND_IN = f"sqlite://{IN_MEMORY}"

# Tortoise translates only a part of what the drivers raise.
DATABASE_ERRORS = (
    asyncpg.InterfaceError,
    asyncpg.PostgresError,
    DBConnectionError,
    OperationalError,
    sqlite3.DatabaseError,
)


class DatabaseUnusable(OperatorError):
    """The database can't be used; one line names the setting, or what to do first."""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """An open database. Its errors leave the block as DatabaseUnusable."""
    database = Database(url)
    _require_folder(database.sqlite_path)
    try:
        with _explained(database):
            with _connecting(database):
                await database.open()
                await database.ping()
            yield database
    finally:
        await database.close()


@asynccontextmanager
async def up_to_date(url: str, *, dry_run: bool = False) -> AsyncIterator[Database]:
    """A migrated database. Raises DatabaseUnusable.

    A dry run leaves even an empty one empty: it happens in one that is gone afterwards.
    """
    stands_in = dry_run and await _is_empty(url)
    async with opened(STAND_IN if stands_in else url) as database:
        if stands_in or not dry_run:
            await database.migrate()
        else:
            await require_migrated(database)
        yield database


async def require_migrated(database: Database) -> None:
    """Raises DatabaseUnusable."""
    if not await database.is_migrated():
        raise DatabaseUnusable("the database is not up to date: run `kubeportal migrate` first")


def _require_folder(file: Path | None) -> None:
    if file and not file.parent.is_dir():
        raise DatabaseUnusable(f"{VARIABLE}: {file}: there is no such folder to make it in")


async def _is_empty(url: str) -> bool:
    database = Database(url)
    _require_folder(database.sqlite_path)
    with _explained(database), _connecting(database):
        return await database.is_empty()


@contextmanager
def _explained(database: Database) -> Iterator[None]:
    try:
        yield
    except DATABASE_ERRORS as error:
        place = database.sqlite_path or "PostgreSQL refuses"
        raise DatabaseUnusable(f"{VARIABLE}: {place}: {error}") from None


@contextmanager
def _connecting(database: Database) -> Iterator[None]:
    try:
        yield
    except DBConnectionError:
        raise  # which is a ConnectionError, but its message explains more than an errno does
    except OSError as error:
        raise DatabaseUnusable(
            f"{VARIABLE}: {postgres_label(database.url)} can't be reached: {reason(error)}"
        ) from None
