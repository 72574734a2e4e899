"""What the command checks before it imports anything."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from models import Database
from portal.errors import OperatorError
from portal.legacy import report_file, run_import
from portal.legacy.source import LegacyError
from portal.settings import Settings
from resolvers.changes import WriteOptions
from tests.portal.legacy.former import Rows, former, write_postgres, write_sqlite


@pytest.fixture
def source(tmp_path: Path, rows: Rows) -> Path:
    return write_sqlite(tmp_path / "former.sqlite3", rows)


def options(*, dry_run: bool) -> WriteOptions:
    return WriteOptions(now=datetime.now(UTC), google=False, dry_run=dry_run)


def import_into(url: str, source: Path | str, *, dry_run: bool = False) -> None:
    asyncio.run(run_import(url, str(source), options(dry_run=dry_run)))


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("dry_run", [False, True], ids=["import", "dry run"])
def test_target_is_not_a_legacy_file(
    mode: str, dry_run: bool, source: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(source)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    before = source.read_bytes()
    with pytest.raises(LegacyError, match="leads to the database of the former portal"):
        import_into(f"sqlite://{source}", source, dry_run=dry_run)
    assert source.read_bytes() == before
    assert list(tmp_path.iterdir()) == [source]


async def test_target_is_not_a_legacy_server(former_postgres: str) -> None:
    await write_postgres(former_postgres, former())
    other = former_postgres.replace("127.0.0.1", "localhost")
    with pytest.raises(LegacyError, match="leads to the database of the former portal"):
        await run_import(other, former_postgres, options(dry_run=False))
    connection = await asyncpg.connect(former_postgres)
    tables = {row["tablename"] for row in await connection.fetch("SELECT tablename FROM pg_tables")}
    await connection.close()
    assert not tables & {"users", "tortoise_migrations"}


async def test_dry_run_migrates_nothing(source: Path, settings: Settings) -> None:
    database = Database(settings.database_url)
    await database.open()
    await database.connection.execute_query("UPDATE tortoise_migrations SET name = 'old_' || name")
    await database.close()
    with pytest.raises(OperatorError, match="run `kubeportal migrate` first"):
        await run_import(settings.database_url, str(source), options(dry_run=True))


MISTAKES: dict[str, tuple[str, str]] = {
    "no such file": ("missing.sqlite3", "there is no such file"),
    "folder": (".", "there is no such file"),
    "text file": ("text", "file is not a database"),
    "another database": ("other.sqlite3", "not a database of the former KubePortal"),
    "no server": ("postgres://u:hush@127.0.0.1:1/db", "the server can't be reached"),
    "no host": ("postgres://u:hush@no.invalid/db", "the server can't be reached"),
    "another scheme": ("mysql://127.0.0.1/db", "use a postgres:// URL or the path"),
    "invalid port": ("postgres://u:hush@127.0.0.1:port/db", "use postgres://"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_source_is_unusable(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text").write_text("something else " * 100)
    with closing(sqlite3.connect("other.sqlite3")) as connection:
        connection.execute("CREATE TABLE something (id INTEGER)")
    place, message = MISTAKES[case]
    with pytest.raises(LegacyError, match=message) as raised:
        import_into(f"sqlite://{tmp_path}/portal.sqlite3", place)
    assert "hush" not in str(raised.value)
    assert not Path("portal.sqlite3").exists()


def test_missing_database_of_a_server(postgres_url: str, tmp_path: Path) -> None:
    with pytest.raises(LegacyError, match='"missing" does not exist'):
        import_into(f"sqlite://{tmp_path}/portal.sqlite3", f"{postgres_url}/missing")


def test_target_in_a_missing_folder(source: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="missing"):
        import_into(f"sqlite://{tmp_path}/missing/portal.sqlite3", source)


@pytest.mark.parametrize("place", ["folder", "missing/report.json"])
def test_unwritable_report_stops_the_import(place: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(LegacyError, match=place),
        report_file(tmp_path / place),
    ):
        pytest.fail("the import begins")
