"""One at a time: changes that depend on more rows than they write."""

from __future__ import annotations

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import OperationalError

TURN_LOCK = 0x7475726E  # any number that nothing else in the database locks


class DatabaseBusy(Exception):
    """Others keep the database for too long; nothing was changed."""


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
