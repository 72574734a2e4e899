"""One at a time: changes that depend on more rows than they write."""

from __future__ import annotations

import sqlite3
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import OperationalError
from tortoise.expressions import F
from tortoise.queryset import QuerySet

from models.sqlite import primary_code

TURN_LOCK = 0x7475726E  # any number that nothing else in the database locks


class DatabaseBusy(Exception):
    """Others keep the database for too long; nothing was changed."""


def is_busy(error: BaseException | None) -> bool:
    """Whether SQLite has refused something as others write for longer than it waits."""
    cause = error.args[0] if isinstance(error, OperationalError) and error.args else None
    return (
        isinstance(cause, sqlite3.OperationalError) and primary_code(cause) == sqlite3.SQLITE_BUSY
    )


async def take_turn(connection: BaseDBAsyncClient) -> None:
    """Waits until nobody else has the turn, and keeps it until the transaction ends.

    It has to be the first statement of the transaction. Raises DatabaseBusy.
    """
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query("SELECT pg_advisory_xact_lock($1)", [TURN_LOCK])
        return
    try:  # SQLite waits for a turn to write only before the first statement that reads
        await connection.execute_query("UPDATE users SET id = id WHERE FALSE")
    except OperationalError as error:
        raise DatabaseBusy from error


async def hold(rows: QuerySet[Any]) -> bool:
    """Keeps others from changing these rows until the transaction ends; False where there are none.

    As it writes, it also is where a transaction of SQLite waits for its turn.
    """
    return bool(await rows.update(version=F("version")))
