from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from tortoise.transactions import in_transaction

from models import Database, User
from models.database import Alphabetical
from tests.databases import new_database

pytestmark = pytest.mark.database

NAMES = ["_", "Anders", "Zimmer", "anders", "de Vries", "Émile", "ångström", "Ångström"]
IN_ORDER = ["_", "Anders", "anders", "de Vries", "Zimmer", "Ångström", "Émile", "ångström"]


async def in_order(url: str) -> list[str]:
    database = Database(url)
    await database.open()
    await database.migrate()
    for number, name in enumerate(NAMES):
        await User.create(username=str(number), last_name=name)
    users = await User.annotate(key=Alphabetical("last_name")).order_by("key", "id")
    await database.close()
    return [user.last_name for user in users]


async def test_texts_have_the_same_order_in_every_database(
    tmp_path: Path, postgres_url: str
) -> None:
    assert await in_order(f"sqlite://{tmp_path}/portal.sqlite3") == IN_ORDER
    german = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C.UTF-8'"
    async with new_database(postgres_url, f"test_{uuid4().hex} {german}") as url:
        assert await in_order(url) == IN_ORDER


async def test_lists_in_alphabetical_order_use_an_index(database: Database) -> None:
    query = User.annotate(key=Alphabetical("last_name")).order_by("key", "id").sql()
    async with in_transaction() as connection:
        if database.sqlite_path:
            plan = await connection.execute_query_dict(f"EXPLAIN QUERY PLAN {query}")
        else:  # which reads and sorts a small table rather than to use any index
            await connection.execute_query("SET LOCAL enable_seqscan = off")
            await connection.execute_query("SET LOCAL enable_sort = off")
            plan = await connection.execute_query_dict(f"EXPLAIN {query}")
    assert "idx_users_last_name_alphabetical" in str([list(row.values()) for row in plan])
