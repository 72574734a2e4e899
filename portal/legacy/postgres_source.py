from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import asyncpg

from portal.legacy.mistakes import LegacyError
from portal.legacy.source import Row
from portal.logs import printable, reason
from portal.settings import FORM, check_postgres_url, postgres_label

CONNECT_SECONDS = 10
COLUMNS = """
    SELECT table_name AS "table", column_name AS "column"
      FROM information_schema.columns
     WHERE table_schema = current_schema()
"""


@dataclass(frozen=True, slots=True)
class PostgresSource:
    label: str
    connection: asyncpg.Connection

    async def columns(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in await self.rows(COLUMNS):
            found.setdefault(row["table"], set()).add(row["column"])
        return found

    async def rows(self, query: str) -> list[Row]:
        with _reading(self.label):
            return [dict(row) for row in await self.connection.fetch(query)]

    async def batches(self, query: str, size: int) -> AsyncIterator[list[Row]]:
        with _reading(self.label):
            cursor = await self.connection.cursor(query)
        while True:
            with _reading(self.label):
                rows: list[Row] = [dict(row) for row in await cursor.fetch(size)]
            if not rows:
                return
            yield rows


@asynccontextmanager
async def open_postgres(url: str) -> AsyncIterator[PostgresSource]:
    """Raises LegacyError, also when it is read; its message never has the password."""
    try:
        check_postgres_url(url)
    except ValueError as error:
        raise LegacyError(f"the source: {error}") from None
    label = printable(postgres_label(url))
    connection = await _connect(url, label)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield PostgresSource(label, connection)
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


@contextmanager
def _reading(label: str) -> Iterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise LegacyError(f"{label}: can't be read: {error}") from None


async def _connect(url: str, label: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except asyncpg.PostgresError as error:
        raise LegacyError(f"{label}: {error}") from None
    except OSError as error:  # a timeout is one
        raise LegacyError(f"{label}: the server can't be reached: {reason(error)}") from None
    except (asyncpg.InterfaceError, ValueError):
        raise LegacyError(f"{label}: {FORM}") from None
