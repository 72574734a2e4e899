"""The command `kubeportal import-legacy`, also when it is killed."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.context import ForkServerContext
from pathlib import Path

import asyncpg
import pytest

from portal.cli.main import cli
from tests.live.processes import PATIENCE_SECONDS, kubeportal
from tests.portal.legacy.former import former, user, write_sqlite

USERS = 60
STEPS = 4
COUNT = "SELECT count(*) FROM users"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_sqlite(tmp_path / "former.sqlite3", former())


def test_dry_run_leaves_no_file(source: Path, tmp_path: Path) -> None:
    outcome = kubeportal("import-legacy", str(source), "--dry-run", folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert "Dry run" in outcome.stdout
    assert list(tmp_path.iterdir()) == [source]


def test_report_is_printed_and_written(source: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("an earlier report")
    file.chmod(0o644)
    arguments = ("import-legacy", str(source), "--report", "report.json")
    outcome = kubeportal(*arguments, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert {line.split()[3] for line in outcome.stderr.splitlines()} == {"kubeportal.audit"}
    report = json.loads(file.read_bytes())
    assert report["tables"]["users"] == {
        "source": 6,
        "created": 6,
        "known": 0,
        "different": 0,
        "skipped": 0,
    }
    assert {remark["rule"] for remark in report["remarks"]} >= {"GROUP_FILLS_ITSELF"}
    assert all(step in outcome.stdout for step in report["next"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_mistake_is_one_line(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text("an earlier report")
    arguments = ("import-legacy", "missing.sqlite3", "--report", str(report))
    outcome = kubeportal(*arguments, folder=tmp_path)
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr == "kubeportal: missing.sqlite3: there is no such file\n"
    assert [file.read_text() for file in tmp_path.iterdir()] == ["an earlier report"]


# Killed at any time


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """A fork server with the modules of the command loaded: each process saves a second."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["portal.cli.administration"])
    return context


class Killer(logging.Handler):
    """Kills its process at the SQL statement of that number; counts them in a file."""

    def __init__(self, file: Path, deadly: int | None) -> None:
        super().__init__()
        self._file = file
        self._deadly = deadly
        self._number = 0

    def emit(self, record: logging.LogRecord) -> None:
        self._number += 1
        if self._number == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        self._file.write_text(str(self._number))


def run_command(url: str, source: Path, counter: Path, deadly: int | None) -> None:
    os.environ["KUBEPORTAL_DATABASE_URL"] = url
    statements = logging.getLogger("tortoise.db_client")
    statements.addHandler(Killer(counter, deadly))
    statements.setLevel(logging.DEBUG)
    cli.main(["import-legacy", str(source)], standalone_mode=False)


def users_in_sqlite(url: str) -> int | None:
    """None as long as there is no table of them."""
    with closing(sqlite3.connect(url.removeprefix("sqlite://"))) as connection:
        try:
            return int(connection.execute(COUNT).fetchone()[0])
        except sqlite3.OperationalError:
            return None


def users_in_postgres(url: str) -> int | None:
    async def count() -> int | None:
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval(COUNT))
        except asyncpg.UndefinedTableError:
            return None
        finally:
            await connection.close()

    return asyncio.run(count())


@pytest.fixture
def crowd(tmp_path: Path) -> Path:
    rows = former()
    for number in range(USERS - len(rows["kubeportal_user"])):
        rows["kubeportal_user"].append(user(1000 + number, f"user{number}"))
    return write_sqlite(tmp_path / "crowd.sqlite3", rows)


@pytest.fixture
def fresh_databases(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[int], str]]:
    """The URL of an empty database for each number."""
    if database_kind == "sqlite":
        yield lambda number: f"sqlite://{tmp_path}/target{number}.sqlite3"
        return
    server: str = request.getfixturevalue("postgres_url")
    names: list[str] = []

    def statement(text: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(f"{server}/postgres")
            await connection.execute(text)
            await connection.close()

        asyncio.run(run())

    def create(number: int) -> str:
        names.append(f"killed_{os.getpid()}_{number}")
        statement(f"CREATE DATABASE {names[-1]}")
        return f"{server}/{names[-1]}"

    yield create
    for name in names:
        statement(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.database
def test_killed_import_is_all_or_nothing(
    processes: ForkServerContext,
    crowd: Path,
    tmp_path: Path,
    database_kind: str,
    fresh_databases: Callable[[int], str],
) -> None:
    count = users_in_sqlite if database_kind == "sqlite" else users_in_postgres
    counter = tmp_path / "statements"

    def run(url: str, deadly: int | None = None) -> int | None:
        process = processes.Process(target=run_command, args=(url, crowd, counter, deadly))
        process.start()
        process.join(PATIENCE_SECONDS)
        return process.exitcode

    assert run(fresh_databases(0)) == 0
    statements = int(counter.read_text())
    for step in range(1, STEPS + 1):
        url = fresh_databases(step)
        assert run(url, statements * step // STEPS) == -signal.SIGKILL
        assert count(url) in (None, 0, USERS)
        assert run(url) == 0
        assert count(url) == USERS
