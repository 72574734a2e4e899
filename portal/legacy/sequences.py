"""The ids that the database gives to new rows: it never gives one twice."""

from __future__ import annotations

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from models import Group, User, WebApp


async def last_given(model: type[Model]) -> int:
    """The highest id that a row ever had, even if it is deleted; 0 before the first one."""
    connection: BaseDBAsyncClient = model._meta.db
    table = model._meta.db_table
    if connection.capabilities.dialect == "postgres":
        query = f'SELECT pg_sequence_last_value({_sequence(table)}) AS "last"'
    else:
        query = f"SELECT seq AS \"last\" FROM sqlite_sequence WHERE name = '{table}'"  # noqa: S608
    rows = await connection.execute_query_dict(query)
    return max((row["last"] or 0 for row in rows), default=0)


async def advance_sequences(connection: BaseDBAsyncClient) -> None:
    """So that new rows get higher ids than those that were given; SQLite does so by itself."""
    if connection.capabilities.dialect != "postgres":
        return
    for model in (User, Group, WebApp):
        table = model._meta.db_table
        sequence = _sequence(table)
        await connection.execute_query(
            f"SELECT setval({sequence}, highest)"  # noqa: S608
            f' FROM (SELECT max(id) AS highest FROM "{table}") AS given'
            f" WHERE highest > coalesce(pg_sequence_last_value({sequence}), 0)"
        )


def _sequence(table: str) -> str:
    return f"pg_get_serial_sequence('\"{table}\"', 'id')::regclass"
