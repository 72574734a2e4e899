"""The database of a command: opened, and migrated or only checked."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tortoise.exceptions import DBConnectionError, OperationalError

from models import Database
from models.database import IN_MEMORY
from portal.errors import OperatorError
from portal.logs import reason
from portal.settings import postgres_label

VARIABLE = "KUBEPORTAL_DATABASE_URL"
TEMPORARY = f"sqlite://{IN_MEMORY}"


class DatabaseUnusable(OperatorError):
    """The database is not usable; the message names the setting, or what to do first."""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """An open database. Its errors leave the block as DatabaseUnusable."""
    database = Database(url)
    _require_folder(database.sqlite_path)
    try:
        with _translate_errors(database):
            with _translate_connection_errors(database):
                await database.open()
                await database.ping()
            yield database
    finally:
        await database.close()


@asynccontextmanager
async def up_to_date(url: str, *, dry_run: bool = False) -> AsyncIterator[Database]:
    """A migrated database. Raises DatabaseUnusable.

    A dry run does not migrate. For an empty database it uses a temporary one in memory instead.
    """
    is_temporary = dry_run and await _is_empty(url)
    async with opened(TEMPORARY if is_temporary else url) as database:
        if is_temporary or not dry_run:
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
        raise DatabaseUnusable(f"{VARIABLE}: {file}: there is no such folder: create it first")


async def _is_empty(url: str) -> bool:
    database = Database(url)
    _require_folder(database.sqlite_path)
    with _translate_errors(database), _translate_connection_errors(database):
        return await database.is_empty()


@contextmanager
def _translate_errors(database: Database) -> Iterator[None]:
    try:
        yield
    except _database_errors() as error:
        place = database.sqlite_path or "PostgreSQL refuses"
        raise DatabaseUnusable(f"{VARIABLE}: {place}: {error}") from None


def _database_errors() -> tuple[type[Exception], ...]:
    """Tortoise translates only a part of what the drivers raise."""
    import asyncpg  # here, as it takes 2.5 MiB, which SQLite does without

    return (
        asyncpg.InterfaceError,
        asyncpg.PostgresError,
        DBConnectionError,
        OperationalError,
        sqlite3.DatabaseError,
    )


@contextmanager
def _translate_connection_errors(database: Database) -> Iterator[None]:
    try:
        yield
    except DBConnectionError:
        raise  # It is an OSError too, but its message is better than that of an errno.
    except OSError as error:
        raise DatabaseUnusable(
            f"{VARIABLE}: {postgres_label(database.url)} can't be reached: {reason(error)}"
        ) from None
