"""Opens an SQLite file that is somebody else's, to be read and left as it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from models.database import primary_code

UNWRITABLE = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
VERSIONS = slice(18, 20)
WRITES_AHEAD = b"\x02\x02"


def open_file(file: Path) -> sqlite3.Connection:
    """With a read lock, until it is closed. Raises sqlite3.DatabaseError.

    Where nothing can be written beside the file, it is taken as one that nobody changes. That is
    right only as long as all of its content is in the file itself.
    """
    address = file.resolve().as_uri()
    try:
        return _begun(f"{address}?mode={_mode(file)}")
    except sqlite3.OperationalError as error:
        unwritable = primary_code(error) in UNWRITABLE
        if not unwritable or _has_more(file, "-wal") or _has_more(file, "-journal"):
            raise
        return _begun(f"{address}?mode=ro&immutable=1")


def _mode(file: Path) -> str:
    """SQLite tidies up what it makes beside a file in WAL mode, unless it may only read.

    With everything in the file itself there is nothing that it could write into that.
    """
    with file.open("rb") as content:
        is_ahead = content.read(VERSIONS.stop)[VERSIONS] == WRITES_AHEAD
    return "rw" if is_ahead and not _has_more(file, "-wal") else "ro"


def _has_more(file: Path, end: str) -> bool:
    other = file.with_name(f"{file.name}{end}")
    return other.exists() and other.stat().st_size > 0


def _begun(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
