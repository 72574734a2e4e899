"""Sources: SQLite files in any journal mode, and PostgreSQL."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from models import User
from portal.legacy.source import LegacyError
from portal.settings import check_postgres_url, postgres_label
from tests.portal.legacy.conftest import Import, Snapshot
from tests.portal.legacy.former import (
    ADDRESSES,
    IDENTITIES,
    USERS,
    Rows,
    write_postgres,
    write_sqlite,
)


@pytest.mark.database
async def test_postgres_is_read_like_sqlite(
    rows: Rows, import_rows: Import, former_postgres: str, snapshot: Snapshot
) -> None:
    await write_postgres(former_postgres, rows)
    report = await import_rows(place=former_postgres)
    assert report.tables["users"].created == 6
    before = await snapshot()
    again = await import_rows(rows)
    assert (again.tables["users"].known, again.tables["users"].different) == (6, 0)
    assert await snapshot() == before


async def test_schema_of_postgres(rows: Rows, import_rows: Import, former_postgres: str) -> None:
    connection = await asyncpg.connect(former_postgres)
    await connection.execute("CREATE SCHEMA former")
    await connection.close()
    place = await write_postgres(f"{former_postgres}?search_path=former", rows)
    assert (await import_rows(place=place)).tables["users"].created == 6
    with pytest.raises(LegacyError, match="not a database of the former KubePortal"):
        await import_rows(place=former_postgres)


def with_journal(file: Path, mode: str) -> Path:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    return file


MODES = pytest.mark.parametrize("mode", ["delete", "wal"])


async def test_write_ahead_log_is_read(rows: Rows, import_rows: Import, tmp_path: Path) -> None:
    file = with_journal(write_sqlite(tmp_path / "former.sqlite3", rows), "wal")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE kubeportal_user SET first_name = 'Alix' WHERE id = 2")
        connection.commit()
        await import_rows(place=str(file))
    assert (await User.get(id=2)).first_name == "Alix"


@MODES
async def test_source_stays_unchanged(
    mode: str, rows: Rows, import_rows: Import, tmp_path: Path
) -> None:
    folder = tmp_path / "former"
    folder.mkdir()
    file = with_journal(write_sqlite(folder / "former.sqlite3", rows), mode)
    before = file.read_bytes()
    await import_rows(place=str(file))
    assert list(folder.iterdir()) == [file]
    assert file.read_bytes() == before


@MODES
async def test_former_portal_writes_during_the_import(
    mode: str, rows: Rows, import_rows: Import, tmp_path: Path
) -> None:
    file = with_journal(write_sqlite(tmp_path / "former.sqlite3", rows), mode)

    def write(done: int, total: int) -> None:
        with closing(sqlite3.connect(file, timeout=0)) as connection:
            connection.execute("UPDATE kubeportal_user SET first_name = 'Later' WHERE id = 3")
            connection.commit()

    await import_rows(place=str(file), progress=write)
    assert (await User.get(id=3)).first_name == "Bob"


async def test_views_are_read_like_tables(rows: Rows, import_rows: Import, tmp_path: Path) -> None:
    file = write_sqlite(tmp_path / "former.sqlite3", rows)
    with closing(sqlite3.connect(file)) as connection:
        for table in (IDENTITIES, ADDRESSES, USERS):
            connection.execute(f"ALTER TABLE {table} RENAME TO kept_{table}")
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM kept_{table}")  # noqa: S608
    report = await import_rows(place=str(file))
    created = {title: counts.created for title, counts in report.tables.items()}
    assert (created["users"], created["identities"], created["verified addresses"]) == (6, 1, 1)


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
async def test_error_hides_the_password(url: str, import_rows: Import) -> None:
    with pytest.raises(LegacyError) as raised:
        await import_rows(place=url)
    assert not {"hu", "hush", "sh@"} & set(re.split(r"[^a-z@]+", str(raised.value)))
    assert "sh@" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("postgres://u:hush@db.example.org:5433/portal", "postgres://db.example.org:5433/portal"),
        ("postgresql://u:hu%2Fsh@[::1]/portal?sslmode=disable", "postgres://[::1]/portal"),
        ("postgres:///portal?host=/run/postgresql", "postgres:///portal"),
    ],
)
def test_label_is_host_port_and_database(url: str, label: str) -> None:
    check_postgres_url(url)
    assert postgres_label(url) == label
