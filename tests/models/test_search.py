"""Searches for a part of a text, and their indexes in PostgreSQL."""

from __future__ import annotations

import logging
from uuid import uuid4

import asyncpg
import pytest

from models import Database, User
from models.search import SEARCHED, containing
from tests.databases import new_database

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"])

INDEXES = "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'idx_%_search'"


async def search_indexes(database: Database) -> set[str]:
    return {row["indexname"] for row in await database.connection.execute_query_dict(INDEXES)}


async def test_missing_index_is_created_by_the_next_migration(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "models")
    database = Database(database_url)
    await database.open()
    await database.migrate()
    expected = {f"idx_{table}_search" for table in SEARCHED}
    assert await search_indexes(database) == expected
    await database.connection.execute_query("DROP EXTENSION pg_trgm CASCADE")
    assert await search_indexes(database) == set()
    assert await database.migrate() == []
    assert await search_indexes(database) == expected
    assert caplog.messages == []
    await database.close()


async def test_search_works_without_the_extension(
    database_kind: str, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "models")
    role = f"role_{uuid4().hex}"
    async with new_database(postgres_url, f"test_{uuid4().hex}") as url:
        await forbid_extensions(url, role)
        database = Database(url)
        await database.open()
        await database.migrate()
        assert await search_indexes(database) == set()
        assert ["pg_trgm" in message for message in caplog.messages] == [True]
        await User.create(username="alice", last_name="Lovelace")
        assert await User.filter(containing("users", "VELA")).count() == 1
        await database.close()
    connection = await asyncpg.connect(f"{postgres_url}/postgres")
    await connection.execute(f"DROP ROLE {role}")
    await connection.close()


async def forbid_extensions(url: str, role: str) -> None:
    """Later sessions own what they create, but have no right to change the database itself."""
    name = url.rpartition("/")[2]
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE ROLE {role}")
    await connection.execute(f"GRANT ALL ON SCHEMA public TO {role}")
    await connection.execute(f"ALTER DATABASE {name} SET role = {role}")
    await connection.close()
