"""Tortoise's client for SQLite, which knows upper and lower case beyond ASCII.

`icontains` compares what `UPPER` makes of both sides, as PostgreSQL does.
"""

from __future__ import annotations

import sqlite3

from tortoise.backends.sqlite.client import SqliteClient as TortoiseClient

PRIMARY_CODE = 0xFF


class SqliteClient(TortoiseClient):
    async def _post_connect(self) -> None:
        await super()._post_connect()
        if self._connection:
            await self._connection.create_function("UPPER", 1, _upper, deterministic=True)


def primary_code(error: sqlite3.Error) -> int:
    """What is wrong; SQLite's whole code says more exactly in which way."""
    return error.sqlite_errorcode & PRIMARY_CODE


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


client_class = SqliteClient
