"""From what somebody types to a source."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from portal.legacy.mistakes import LegacyError
from portal.legacy.postgres_source import open_postgres
from portal.legacy.source import Source
from portal.legacy.sqlite_source import open_sqlite
from portal.settings import is_postgres


def open_source(place: str) -> AbstractAsyncContextManager[Source]:
    """A `postgres://` URL or the path of an SQLite file.

    Raises LegacyError for another kind of URL, as does opening it for what can't be read.
    """
    if is_postgres(place):
        return open_postgres(place)
    if "://" in place.removeprefix("sqlite://"):
        raise LegacyError("give a postgres:// URL, or the path of an SQLite file")
    return open_sqlite(Path(place.removeprefix("sqlite://")))
