"""PostgreSQL answers routes and lists from indexes: it reads no large table as a whole."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest

from bench.data import Sizes, create
from bench.scale import ADMINISTRATOR, CALLS, Call, Side, opened
from models.lists import EXACT_COUNT
from tests.databases import new_database

SIZES = Sizes(users=3_000, groups=300, webapps=100, memberships=5, credentials=1, events=2)


class Statements(logging.Handler):
    """The statements and values that Tortoise logs."""

    def __init__(self) -> None:
        super().__init__()
        self.executed: list[tuple[str, list[Any]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple):
            statement, values = record.args
            self.executed.append((str(statement), list(values or ())))  # type: ignore[call-overload]


@pytest.fixture(scope="module")
async def url(postgres_url: str) -> AsyncIterator[str]:
    async with new_database(postgres_url, f"test_{uuid4().hex}") as url:
        await create(url, SIZES)
        yield url


@pytest.fixture(scope="module")
async def portal(url: str) -> AsyncIterator[Side]:
    async with opened(url) as portal:
        yield portal


@pytest.fixture
def statements() -> Iterator[Statements]:
    logger, handler = logging.getLogger("tortoise.db_client"), Statements()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.setLevel(level)
    logger.removeHandler(handler)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
async def test_call_reads_few_rows(
    portal: Side, url: str, statements: Statements, call: Call
) -> None:
    await portal.perform(call)
    connection = await asyncpg.connect(url)
    # As for solid-state disks; the default makes PostgreSQL read small tables as a whole
    await connection.execute("SET random_page_cost = 1.1")
    for statement, values in statements.executed:
        if statement.lstrip().startswith("SELECT"):
            explained = await connection.fetchval(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *values
            )
            [plan] = orjson.loads(explained)
            assert max(rows_read(plan["Plan"])) < SIZES.users, statement
    await connection.close()


def rows_read(plan: dict[str, Any]) -> Iterator[int]:
    """The numbers of rows that the parts of a plan have read."""
    removed = [number for name, number in plan.items() if name.startswith("Rows Removed by")]
    yield (plan["Actual Rows"] + sum(removed)) * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from rows_read(part)


COUNTS = """{ portal { userCount } admin {
  users { totalCount }
  search: users(search: "EXAMPLE.ORG") { totalCount }
  group(databaseId: 1) { members { totalCount } }
  closed: users(filter: {isActive: false}) { totalCount } } }"""


async def test_large_number_is_an_estimate(portal: Side) -> None:
    body = {"query": COUNTS}
    answer = await portal.request("POST", "/graphql", body, portal.tokens[ADMINISTRATOR])
    found = answer["data"]["admin"]
    numbers = [
        answer["data"]["portal"]["userCount"],
        found["users"]["totalCount"],
        found["search"]["totalCount"],
        found["group"]["members"]["totalCount"],
    ]
    assert [EXACT_COUNT < number <= 1.1 * SIZES.users for number in numbers] == [True] * 4
    assert found["closed"]["totalCount"] == SIZES.users // 20
