from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.database import primary_code
from portal.legacy.mistakes import LegacyError
from portal.legacy.source import Row
from portal.legacy.sqlite_file import open_file
from portal.logs import printable

COLUMNS = """
    SELECT t.name AS "table", c.name AS "column"
      FROM sqlite_master t, pragma_table_info(t.name) c
     WHERE t.type IN ('table', 'view')
"""
IN_USE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
A_TEMPORARY_FILE = ""


@dataclass(frozen=True, slots=True)
class SqliteSource:
    label: str
    connection: sqlite3.Connection

    async def columns(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in await self.rows(COLUMNS):
            found.setdefault(row["table"], set()).add(row["column"])
        return found

    async def rows(self, query: str) -> list[Row]:
        with _reading(self.label):
            return [dict(row) for row in self.connection.execute(query)]

    async def batches(self, query: str, size: int) -> AsyncIterator[list[Row]]:
        with _reading(self.label):
            cursor = self.connection.execute(query)
        while True:
            with _reading(self.label):
                rows: list[Row] = [dict(row) for row in cursor.fetchmany(size)]
            if not rows:
                return
            yield rows


@asynccontextmanager
async def open_sqlite(file: Path) -> AsyncIterator[SqliteSource]:
    """Reads from a copy, so that the former portal goes on writing while that takes its time.

    Nobody else sees the copy, and it is gone with this process, however that ends. Raises
    LegacyError, also when it is read.
    """
    label = printable(str(file))
    _check(file, label)
    with closing(sqlite3.connect(A_TEMPORARY_FILE, isolation_level=None)) as copy:
        with _reading(label), closing(open_file(file)) as original:
            original.backup(copy)
        copy.row_factory = sqlite3.Row
        copy.text_factory = _decode
        copy.execute("PRAGMA trusted_schema = OFF")
        yield SqliteSource(label, copy)


@contextmanager
def _reading(label: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if primary_code(error) in IN_USE:
            raise LegacyError(
                f"{label}: somebody else keeps it locked; try again, or import a copy of it"
            ) from None
        raise LegacyError(f"{label}: can't be read as an SQLite database: {error}") from None


def _check(file: Path, label: str) -> None:
    if not file.exists():
        raise LegacyError(f"{label}: there is no such file")
    if not file.is_file():
        raise LegacyError(f"{label}: this is no file")


def _decode(text: bytes) -> str:
    return text.decode("utf-8", errors="replace")
