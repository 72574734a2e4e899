from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.legacy.mistakes import LegacyError
from portal.legacy.source import Row
from portal.legacy.values import printable

COLUMNS = """
    SELECT t.name AS "table", c.name AS "column"
      FROM sqlite_master t, pragma_table_info(t.name) c
     WHERE t.type = 'table'
"""


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
    """Raises LegacyError, also when it is read."""
    label = printable(str(file))
    _check(file, label)
    with _reading(label):
        connection = _connect(file)
    with closing(connection):
        yield SqliteSource(label, connection)


@contextmanager
def _reading(label: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise LegacyError(f"{label}: can't be read as an SQLite database: {error}") from None


def _check(file: Path, label: str) -> None:
    if not file.exists():
        raise LegacyError(f"{label}: there is no such file")
    if not file.is_file():
        raise LegacyError(f"{label}: this is no file")


def _connect(file: Path) -> sqlite3.Connection:
    """Where nothing can be written beside the file, it is taken as one that nobody changes.

    That is right only as long as all of its content is in the file itself.
    """
    address = f"{file.resolve().as_uri()}?mode=ro"
    try:
        return _begun(address)
    except sqlite3.OperationalError:
        beside = (file.with_name(f"{file.name}{end}") for end in ("-wal", "-journal"))
        if any(other.exists() and other.stat().st_size for other in beside):
            raise
        return _begun(f"{address}&immutable=1")


def _begun(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.text_factory = _decode
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _decode(text: bytes) -> str:
    return text.decode("utf-8", errors="replace")
