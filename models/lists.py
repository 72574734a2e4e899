"""The queries of lists: planned for their values, and counted up to a limit."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import orjson
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model
from tortoise.queryset import QuerySet

EXACT_COUNT = 1_000
M = TypeVar("M", bound=Model)


class CustomPlans:
    """A PostgreSQL client whose statements are planned for their values.

    After five executions, PostgreSQL may use one plan of a prepared statement for all values. No
    such plan suits a filter or a search, which may match every row or none.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def execute_query(self, query: str, values: list[Any]) -> tuple[int, list[Any]]:
        result: tuple[int, list[Any]] = (
            await self._client._translate_exceptions(_execute_unnamed, query, values)
            if values
            else await self._client.execute_query(query)
        )
        return result


async def _execute_unnamed(client: Any, query: str, values: list[Any]) -> tuple[int, list[Any]]:
    client.log.debug("%s: %s", query, values)
    async with client.acquire_connection() as connection:
        statement = await connection.prepare(query, name="")
        rows = await statement.fetch(*values)
        return len(rows), rows


def with_custom_plan(query: QuerySet[M]) -> QuerySet[M]:
    client = query.model._meta.db
    if client.capabilities.dialect != "postgres":
        return query
    return query.using_db(cast(BaseDBAsyncClient, CustomPlans(client)))


async def count(query: QuerySet[Any]) -> int:
    """The number of rows: exact up to EXACT_COUNT, beyond that an estimate.

    To count all rows would take longer than to read a page of them.
    """
    client = query.model._meta.db
    if client.capabilities.dialect == "postgres":
        ids, values = _ids(query)
        some = f"SELECT COUNT(*) FROM ({ids} LIMIT {EXACT_COUNT + 1}) AS counted"  # noqa: S608
        _, [row] = await CustomPlans(client).execute_query(some, values)
        if row["count"] <= EXACT_COUNT:
            return int(row["count"])
    return await estimate(query)


async def estimate(query: QuerySet[Any]) -> int:
    """PostgreSQL's estimate of more than EXACT_COUNT rows. SQLite has none: it counts them."""
    client = query.model._meta.db
    if client.capabilities.dialect != "postgres":
        return await query.count()
    ids, values = _ids(query)
    _, [row] = await CustomPlans(client).execute_query(f"EXPLAIN (FORMAT JSON) {ids}", values)
    [explained] = orjson.loads(row["QUERY PLAN"])
    return max(EXACT_COUNT + 1, int(explained["Plan"]["Plan Rows"]))


def _ids(query: QuerySet[Any]) -> tuple[str, list[Any]]:
    """The statement for the ids of the rows, and its values."""
    ids = query.values_list("id")
    ids._choose_db_if_not_chosen()
    ids._make_query()
    return ids.query.get_parameterized_sql()
