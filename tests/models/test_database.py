from __future__ import annotations

import asyncio
import os
import stat
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from tortoise.exceptions import IntegrityError
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationTarget
from tortoise.migrations.operations import AlterModelOptions
from tortoise.transactions import in_transaction

import models.migrations
from models import Database, Membership, User

pytestmark = pytest.mark.database

FOLDER = Path(models.migrations.__path__[0])
MIGRATIONS = [f"models.{file.stem}" for file in sorted(FOLDER.glob("[0-9]*.py"))]
MIGRATE = """
import asyncio, sys
from models import Database

async def main():
    database = Database(sys.argv[1])
    await database.open()
    print(await database.migrate())
    await database.close()

asyncio.run(main())
"""


async def test_an_empty_database_is_migrated_once(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    assert not await database.is_migrated()
    assert await database.migrate() == MIGRATIONS
    assert await database.migrate() == []
    assert await database.is_migrated()
    await database.close()


async def test_an_older_database_follows(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    async with in_transaction() as connection:
        executor = await database._transactional_executor(connection)
        await executor.migrate([MigrationTarget("models", "0001_initial")])
    await User.create(username="alice")
    assert await database.migrate() == MIGRATIONS[1:]
    assert await User.filter(username="alice").exists()
    await database.close()


async def test_migrations_match_models(database: Database) -> None:
    apps = database._context.apps
    assert apps is not None
    writers = await MigrationAutodetector(apps, database.config["apps"]).changes()
    operations = [operation for writer in writers for operation in writer.operations]
    assert [op for op in operations if not isinstance(op, AlterModelOptions)] == []


async def test_several_processes_may_migrate_at_once(database_url: str) -> None:
    async def migrate() -> str:
        command = [sys.executable, "-c", MIGRATE, database_url]
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        output, _ = await process.communicate()
        return output.decode().strip()

    outputs = await asyncio.gather(*(migrate() for _ in range(4)))
    assert sorted(outputs) == [str(MIGRATIONS), "[]", "[]", "[]"]


async def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await Membership.create(user_id=404, group_id=404)


async def test_sqlite_writes_ahead(database: Database) -> None:
    if database.sqlite_path is None:
        pytest.skip("PostgreSQL does so by itself")
    [row] = await database.connection.execute_query_dict("PRAGMA journal_mode")
    assert row["journal_mode"] == "wal"


@pytest.mark.parametrize("other", ["ALICE", "alice", "Ａlice"])
async def test_usernames_are_unique_in_any_case(database: Database, other: str) -> None:
    await User.create(username="Alice")
    with pytest.raises(IntegrityError):
        await User.create(username=other)


async def test_all_files_of_a_database_begin_with_its_name(tmp_path: Path) -> None:
    """So that who ignores, copies or removes the database knows them."""
    database = Database(f"sqlite://{tmp_path}/portal.sqlite3")
    await database.open()
    await database.migrate()
    await database.close()
    assert [name for name in names(tmp_path) if not name.startswith("portal.sqlite3")] == []


async def test_files_of_a_database_are_private(tmp_path: Path) -> None:
    database = Database(f"sqlite://{tmp_path}/portal.sqlite3")
    mask = os.umask(0)
    try:
        await database.open()
        await database.migrate()
        await User.create(username="alice")
        modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names(tmp_path)}
    finally:
        os.umask(mask)
        await database.close()
    endings = ("", "-lock", "-shm", "-wal")
    assert modes == {f"portal.sqlite3{ending}": 0o600 for ending in endings}


async def test_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "portal.sqlite3"
    file.touch()
    file.chmod(0o640)
    database = Database(f"sqlite://{file}")
    await database.open()
    await database.migrate()
    await database.close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]
