"""`kubeportal import-legacy` as operators run it, and as a power cut ends it."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.context import ForkServerContext
from pathlib import Path

import asyncpg
import pytest

from portal.cli.main import cli
from tests.databases import new_database
from tests.live.processes import PATIENCE_SECONDS, kubeportal
from tests.portal.legacy.former import former, user, write_postgres, write_sqlite

pytestmark = pytest.mark.database

USERS = 300
STEPS = 9
COUNT = "SELECT count(*) FROM users"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_sqlite(tmp_path / "former.sqlite3", former())


def test_a_dry_run_leaves_no_trace(source: Path, tmp_path: Path) -> None:
    outcome = kubeportal("import-legacy", str(source), "--dry-run", folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert "Dry run" in outcome.stdout
    assert list(tmp_path.iterdir()) == [source]


def test_the_report_is_printed_and_written(source: Path, tmp_path: Path) -> None:
    arguments = ("import-legacy", str(source), "--report", "report.json")
    outcome = kubeportal(*arguments, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert {line.split()[3] for line in outcome.stderr.splitlines()} == {"kubeportal.audit"}
    file = tmp_path / "report.json"
    report = json.loads(file.read_bytes())
    assert report["tables"]["users"] == {
        "there": 6,
        "new": 6,
        "same": 0,
        "changed": 0,
        "left": 0,
        "gone": 0,
    }
    assert {remark["rule"] for remark in report["remarks"]} >= {"MEMBERS_BY_RULE"}
    assert all(step in outcome.stdout for step in report["next"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]], ids=["import", "dry run"])
def test_a_report_that_nobody_can_write_comes_before_the_import(
    dry_run: list[str], source: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    for place in ("folder", "missing/report.json"):
        outcome = kubeportal(
            "import-legacy", str(source), *dry_run, "--report", place, folder=tmp_path
        )
        assert (outcome.returncode, outcome.stdout) == (1, "")
        [line] = outcome.stderr.splitlines()
        assert place in line
        assert not (tmp_path / "kubeportal.sqlite3").exists()


def test_a_report_that_does_not_fit_says_that_the_import_is_done(
    source: Path, tmp_path: Path
) -> None:
    outcome = kubeportal("import-legacy", str(source), "--report", "/dev/full", folder=tmp_path)
    assert outcome.returncode == 1
    line = outcome.stderr.splitlines()[-1]
    assert "all was done as it says above, but /dev/full can't be written: No space" in line
    assert "What to do next" in outcome.stdout
    assert users_in_sqlite(f"sqlite://{tmp_path}/kubeportal.sqlite3") == 6


def test_a_failed_import_leaves_the_last_report_and_nothing_else(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text("the last one")
    arguments = ("import-legacy", "missing.sqlite3", "--report", str(report))
    assert kubeportal(*arguments, folder=tmp_path).returncode == 1
    assert [file.read_text() for file in tmp_path.iterdir()] == ["the last one"]


def test_nobody_else_reads_a_report_even_where_they_could_before(
    source: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    report.write_text("the last one")
    report.chmod(0o644)
    kubeportal("import-legacy", str(source), "--report", str(report), folder=tmp_path)
    assert json.loads(report.read_bytes())["tables"]["users"]["new"] == 6
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]], ids=["import", "dry run"])
def test_nothing_is_made_in_a_file_of_the_former_portal(
    dry_run: list[str], mode: str, source: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(source)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    copy = tmp_path / "copy.sqlite3"
    copy.write_bytes(source.read_bytes())
    outcome = kubeportal(
        "import-legacy",
        str(copy),
        *dry_run,
        folder=tmp_path,
        KUBEPORTAL_DATABASE_URL=f"sqlite://{source}",
    )
    assert outcome.returncode == 1
    [line] = outcome.stderr.splitlines()
    assert "leads to the database of the former portal" in line
    assert source.read_bytes() == copy.read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {source.name, copy.name}


def test_nothing_is_made_in_a_database_of_the_former_portal(
    postgres_url: str, tmp_path: Path
) -> None:
    """However its address is written."""

    async def scenario() -> tuple[subprocess.CompletedProcess[str], list[str]]:
        async with new_database(postgres_url, f"former_{os.getpid()}") as url:
            await write_postgres(url, former())
            outcome = kubeportal(
                "import-legacy",
                url,
                folder=tmp_path,
                KUBEPORTAL_DATABASE_URL=url.replace("127.0.0.1", "localhost"),
            )
            connection = await asyncpg.connect(url)
            rows = await connection.fetch("SELECT tablename FROM pg_tables")
            await connection.close()
            return outcome, [row["tablename"] for row in rows]

    outcome, tables = asyncio.run(scenario())
    assert outcome.returncode == 1
    [line] = outcome.stderr.splitlines()
    assert "leads to the database of the former portal" in line
    assert "users" not in tables
    assert "tortoise_migrations" not in tables


def test_an_old_database_is_not_touched_by_a_dry_run(source: Path, tmp_path: Path) -> None:
    kubeportal("migrate", folder=tmp_path)
    with closing(sqlite3.connect(tmp_path / "kubeportal.sqlite3")) as connection:
        connection.execute("UPDATE tortoise_migrations SET name = '0000_older'")
        connection.commit()
    outcome = kubeportal("import-legacy", str(source), "--dry-run", folder=tmp_path)
    assert outcome.returncode == 1
    assert "run `kubeportal migrate` first" in outcome.stderr


MISTAKES: dict[str, tuple[str, str]] = {
    "no such file": ("missing.sqlite3", "there is no such file"),
    "a folder": (".", "this is no file"),
    "no database": ("text", "file is not a database"),
    "another database": ("other.sqlite3", "no database of the former KubePortal"),
    "no server": ("postgres://u:hush@127.0.0.1:1/db", "the server can't be reached"),
    "no host": ("postgres://u:hush@no.invalid/db", "the server can't be reached"),
    "itself": ("kubeportal.sqlite3", "the database of this portal itself"),
    "no address": ("postgres://u:hush@127.0.0.1:port/db", "use postgres://"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line(case: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("something else " * 100)
    with closing(sqlite3.connect(tmp_path / "other.sqlite3")) as connection:
        connection.execute("CREATE TABLE something (id INTEGER)")
    place, message = MISTAKES[case]
    outcome = kubeportal("import-legacy", place, folder=tmp_path)
    assert outcome.returncode == 1
    [line] = outcome.stderr.splitlines()
    assert message in line
    assert "hush" not in outcome.stderr + outcome.stdout
    assert not (tmp_path / "kubeportal.sqlite3").exists()


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]], ids=["import", "dry run"])
def test_a_target_in_no_folder_is_a_mistake(
    dry_run: list[str], source: Path, tmp_path: Path
) -> None:
    target = f"sqlite://{tmp_path}/missing/portal.sqlite3"
    outcome = kubeportal(
        "import-legacy", str(source), *dry_run, folder=tmp_path, KUBEPORTAL_DATABASE_URL=target
    )
    assert outcome.returncode == 1
    [line] = outcome.stderr.splitlines()
    assert "there is no such folder" in line


def test_a_missing_database_of_a_server_is_a_mistake(postgres_url: str, tmp_path: Path) -> None:
    outcome = kubeportal("import-legacy", f"{postgres_url}/missing", folder=tmp_path)
    assert outcome.returncode == 1
    [line] = outcome.stderr.splitlines()
    assert '"missing" does not exist' in line


# Killed at any moment


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """New ones have loaded the command already, so that it begins at once."""
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


def take_over(url: str, source: Path, counter: Path, deadly: int | None) -> None:
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


def test_a_killed_import_leaves_all_or_nothing(
    processes: ForkServerContext,
    crowd: Path,
    tmp_path: Path,
    database_kind: str,
    fresh_databases: Callable[[int], str],
) -> None:
    count = users_in_sqlite if database_kind == "sqlite" else users_in_postgres
    counter = tmp_path / "statements"

    def run(url: str, deadly: int | None = None) -> int | None:
        process = processes.Process(target=take_over, args=(url, crowd, counter, deadly))
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
