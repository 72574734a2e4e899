"""Where it comes from: SQLite files, in any mode, and PostgreSQL."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from models import (
    User,
)
from portal.legacy.mistakes import LegacyError
from portal.settings import check_postgres_url, postgres_label
from tests.databases import new_database
from tests.portal.legacy import former
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    ADDRESSES,
    GROUPS,
    IDENTITIES,
    USERS,
    Edit,
    Rows,
    find,
    user,
    write_postgres,
    write_sqlite,
)
from tests.portal.legacy.state import everything

pytestmark = pytest.mark.database


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


async def test_another_schema_of_postgres_is_named_in_the_url(
    rows: Rows, take_over: TakeOver, another_postgres: str
) -> None:
    connection = await asyncpg.connect(another_postgres)
    await connection.execute("CREATE SCHEMA former")
    await connection.close()
    place = await write_postgres(f"{another_postgres}?search_path=former", rows)
    assert (await take_over(place=place)).tables["users"].new == 6
    with pytest.raises(LegacyError, match="no database of the former KubePortal"):
        await take_over(place=another_postgres)


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


def in_mode(file: Path, mode: str) -> Path:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    return file


@pytest.mark.parametrize("mode", ["delete", "wal"])
async def test_nothing_is_left_beside_the_source(
    mode: str, rows: Rows, take_over: TakeOver, tmp_path: Path
) -> None:
    folder = tmp_path / "former"
    folder.mkdir()
    file = in_mode(write_sqlite(folder / "former.sqlite3", rows), mode)
    before = file.read_bytes()
    await take_over(place=str(file))
    assert list(folder.iterdir()) == [file]
    assert file.read_bytes() == before


@pytest.mark.parametrize("mode", ["delete", "wal"])
async def test_the_former_portal_writes_while_it_is_read(
    mode: str, rows: Rows, take_over: TakeOver, tmp_path: Path
) -> None:
    """What it writes by then comes over the next time."""
    file = in_mode(write_sqlite(tmp_path / "former.sqlite3", rows), mode)

    def write(done: int, total: int) -> None:
        with closing(sqlite3.connect(file, timeout=0)) as connection:
            connection.execute("UPDATE kubeportal_user SET first_name = 'Later' WHERE id = 3")
            connection.commit()

    await take_over(place=str(file), progress=write)
    assert (await User.get(id=3)).first_name == "Bob"
    await take_over(place=str(file))
    assert (await User.get(id=3)).first_name == "Later"


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_source_that_somebody_keeps_locked_is_told_as_such(
    rows: Rows, take_over: TakeOver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = partial(sqlite3.connect, timeout=0)
    monkeypatch.setattr(sqlite3, "connect", connect)
    file = write_sqlite(tmp_path / "former.sqlite3", rows)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LegacyError, match="somebody else keeps it locked; try again"):
            await take_over(place=str(file))


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_views_are_read_like_tables(rows: Rows, take_over: TakeOver, tmp_path: Path) -> None:
    file = write_sqlite(tmp_path / "former.sqlite3", rows)
    with closing(sqlite3.connect(file)) as connection:
        for table in (IDENTITIES, ADDRESSES, USERS):
            connection.execute(f"ALTER TABLE {table} RENAME TO kept_{table}")
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM kept_{table}")  # noqa: S608
    report = await take_over(place=str(file))
    assert report.tables["users"].new == 6
    assert report.tables["identities"].new == 1
    assert report.tables["verified addresses"].new == 1


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda rows: rows[USERS].append(user(3, "other")), "two rows each of id 3"),
        (lambda rows: find(rows, USERS, 3).update(id="three"), "ids that are none: three"),
        (lambda rows: find(rows, GROUPS, 3).update(id=None), "ids that are none: None"),
    ],
    ids=["twice", "no number", "null"],
)
@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_ids_that_tell_nothing_apart_are_refused(
    edit: Edit, message: str, rows: Rows, take_over: TakeOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In tables that somebody has made without their keys."""
    monkeypatch.setitem(former.TYPES["sqlite"], "key", "")
    edit(rows)
    with pytest.raises(LegacyError, match=message):
        await take_over(rows)
    assert await User.all().count() == 0


URLS = [
    "postgres://u:hu/sh@127.0.0.1:1/db",
    "postgres://u:hu?sh@127.0.0.1:1/db",
    "postgres://u:hu#sh@127.0.0.1:1/db",
    "postgres://u:1/hush@127.0.0.1:1/db",
    "postgres://u:hush[@127.0.0.1:1/db",
    "postgres://u:hush@127.0.0.1:99999/db",
    "postgres:/u:hush@127.0.0.1:1/db",
    "postgresql:u:hush@127.0.0.1/db",
    " postgres://u:hush@127.0.0.1:1/db",
    "POSTGRES://u:hush@127.0.0.1:1/db",
    "postgres://u:hush@127.0.0.1:1/db?password=hush",
    "postgres://u:hush@127.0.0.1:1,127.0.0.1:2/db",
    "mysql://u:hush@127.0.0.1/db",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_no_password_is_told_however_the_url_is_written(
    url: str, take_over: TakeOver
) -> None:
    with pytest.raises(LegacyError) as refusal:
        await take_over(place=url)
    assert not {"hu", "hush", "sh@"} & set(re.split(r"[^a-z@]+", str(refusal.value)))
    assert "sh@" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("postgres://u:hush@db.example.org:5433/portal", "postgres://db.example.org:5433/portal"),
        ("postgresql://u:hu%2Fsh@[::1]/portal?sslmode=disable", "postgres://[::1]/portal"),
        ("postgres:///portal?host=/run/postgresql", "postgres://…"),
    ],
)
def test_the_label_is_host_port_and_database(url: str, label: str) -> None:
    check_postgres_url(url)
    assert postgres_label(url) == label
