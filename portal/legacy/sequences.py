from __future__ import annotations

from tortoise.backends.base.client import BaseDBAsyncClient

from models import Group, User, WebApp


async def advance_sequences(connection: BaseDBAsyncClient) -> None:
    """So that new rows get higher ids than those that were given; SQLite does so by itself."""
    if connection.capabilities.dialect != "postgres":
        return
    for model in (User, Group, WebApp):
        table = model._meta.db_table
        sequence = f"pg_get_serial_sequence('\"{table}\"', 'id')::regclass"
        await connection.execute_query(
            f"SELECT setval({sequence}, highest)"  # noqa: S608
            f' FROM (SELECT max(id) AS highest FROM "{table}") AS given'
            f" WHERE highest > coalesce(pg_sequence_last_value({sequence}), 0)"
        )
