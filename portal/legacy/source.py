"""The database of the former portal, which is only read."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import asyncpg

from portal.errors import OperatorError
from portal.logs import printable, reason
from portal.settings import FORM, check_postgres_url, is_postgres, postgres_label

Row: TypeAlias = Mapping[str, Any]

CONNECT_SECONDS = 10
FETCH = 1000
TEMPORARY = ""  # SQLite's name for a private file that disappears with the connection


class LegacyError(OperatorError):
    """The source, the target or the report is not usable."""


class Source(ABC):
    """A snapshot: all queries read the same state.

    label: the place of the database without the password.
    """

    columns_query: ClassVar[str]

    def __init__(self, label: str) -> None:
        self.label = label

    @abstractmethod
    def batches(self, query: str, size: int) -> AsyncIterator[list[Row]]:
        """The rows in lists of that size. Other queries may run in between."""

    async def rows(self, query: str) -> list[Row]:
        return [row async for batch in self.batches(query, FETCH) for row in batch]

    async def columns(self) -> dict[str, set[str]]:
        """The names of the columns by table."""
        found: dict[str, set[str]] = {}
        for row in await self.rows(self.columns_query):
            found.setdefault(row["table"], set()).add(row["column"])
        return found


def open_source(place: str) -> AbstractAsyncContextManager[Source]:
    """A `postgres://` URL or the path of an SQLite file. Raises LegacyError, also on reading."""
    if is_postgres(place):
        return open_postgres(place)
    if "://" in place.removeprefix("sqlite://"):
        raise LegacyError("SOURCE: use a postgres:// URL or the path of an SQLite file")
    return open_sqlite(Path(place.removeprefix("sqlite://")), copy=True)


class SqliteSource(Source):
    columns_query = """
        SELECT t.name AS "table", c.name AS "column"
          FROM sqlite_master t, pragma_table_info(t.name) c
         WHERE t.type IN ('table', 'view')
    """

    def __init__(self, label: str, connection: sqlite3.Connection) -> None:
        super().__init__(label)
        self._connection = connection

    async def batches(self, query: str, size: int) -> AsyncIterator[list[Row]]:
        with _sqlite_errors(self.label):
            cursor = self._connection.execute(query)
            while rows := cursor.fetchmany(size):
                yield [dict(row) for row in rows]


@asynccontextmanager
async def open_sqlite(file: Path, *, copy: bool) -> AsyncIterator[Source]:
    """Raises LegacyError.

    copy: read from a private copy, so that the former portal can write during the import.
    """
    label = printable(str(file))
    with (
        closing(_connect(file, label)) as connection,
        closing(sqlite3.connect(TEMPORARY)) as private,
    ):
        if copy:
            with _sqlite_errors(label):
                connection.backup(private)
        read = private if copy else connection
        read.row_factory = sqlite3.Row
        # SQLite stores any bytes as text; a strict decoder would stop the import at the first one
        read.text_factory = lambda text: text.decode("utf-8", errors="replace")
        yield SqliteSource(label, read)


def _connect(file: Path, label: str) -> sqlite3.Connection:
    """A connection that writes nothing, but not with `mode=ro`.

    A read-only connection to a database in WAL mode leaves its `-wal` and `-shm` files behind. They
    would belong to the operator, and the former portal could fail to open them.
    """
    if not file.is_file():
        raise LegacyError(f"{label}: there is no such file")
    with _sqlite_errors(label):
        connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True)
        connection.execute("PRAGMA query_only = ON")
        return connection


@contextmanager
def _sqlite_errors(label: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise LegacyError(f"{label}: can't be read as an SQLite database: {error}") from None


class PostgresSource(Source):
    columns_query = """
        SELECT table_name AS "table", column_name AS "column"
          FROM information_schema.columns
         WHERE table_schema = current_schema()
    """

    def __init__(self, label: str, connection: asyncpg.Connection) -> None:
        super().__init__(label)
        self._connection = connection

    async def batches(self, query: str, size: int) -> AsyncIterator[list[Row]]:
        with _postgres_errors(self.label):
            cursor = await self._connection.cursor(query)
            while rows := await cursor.fetch(size):
                yield [dict(row) for row in rows]


@asynccontextmanager
async def open_postgres(url: str) -> AsyncIterator[Source]:
    """One read-only transaction. Raises LegacyError."""
    try:
        check_postgres_url(url)
    except ValueError as error:
        raise LegacyError(f"SOURCE: {error}") from None
    label = printable(postgres_label(url))
    connection = await _connect_to_server(url, label)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield PostgresSource(label, connection)
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


async def _connect_to_server(url: str, label: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except asyncpg.PostgresError as error:
        raise LegacyError(f"{label}: {error}") from None
    except OSError as error:  # TimeoutError is one
        raise LegacyError(f"{label}: the server can't be reached: {reason(error)}") from None
    # OverflowError: a port above 65535. The messages of the others may quote the password.
    except (asyncpg.InterfaceError, ValueError, OverflowError):
        raise LegacyError(f"{label}: {FORM}") from None


@contextmanager
def _postgres_errors(label: str) -> Iterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise LegacyError(f"{label}: can't be read: {error}") from None
