"""Where it comes from: SQLite files, in any mode, and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from models import (
    User,
)
from tests.databases import new_database
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    Rows,
    write_postgres,
    write_sqlite,
)
from tests.portal.legacy.state import everything


@pytest.fixture
async def another_postgres(postgres_url: str) -> AsyncIterator[str]:
    async with new_database(postgres_url, f"former_{uuid4().hex}") as url:
        yield url


async def test_postgres_is_read_like_sqlite(
    rows: Rows, take_over: TakeOver, another_postgres: str
) -> None:
    await write_postgres(another_postgres, rows)
    report = await take_over(place=another_postgres)
    assert report.tables["users"].new == 6
    state = await everything()
    again = await take_over(rows)
    assert again.tables["users"].same == 6
    assert await everything() == state


async def test_what_sqlite_has_written_ahead_is_read(
    rows: Rows, take_over: TakeOver, tmp_path: Path
) -> None:
    file = write_sqlite(tmp_path / "former.sqlite3", rows)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE kubeportal_user SET first_name = 'Alix' WHERE id = 2")
        connection.commit()
        await take_over(place=str(file))
    assert (await User.get(id=2)).first_name == "Alix"
    connection.close()


async def test_the_source_stays_as_it_is(rows: Rows, take_over: TakeOver, tmp_path: Path) -> None:
    file = write_sqlite(tmp_path / "former.sqlite3", rows)
    before = file.read_bytes()
    await take_over(place=str(file))
    assert file.read_bytes() == before
    assert not file.with_name("former.sqlite3-wal").exists()
    assert not file.with_name("former.sqlite3-journal").exists()
