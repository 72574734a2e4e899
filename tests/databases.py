"""The databases of tests: SQLite; with the marker `database`, PostgreSQL as well."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from models import Database

ENVIRONMENT = "KUBEPORTAL_TEST_DATABASE_URL"
REMEDY = f"no PostgreSQL: install its server programs, or set {ENVIRONMENT}"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server in which databases may be created."""
    if given := os.environ.get(ENVIRONMENT):
        yield given.rstrip("/")
        return
    programs = postgres_programs()
    if programs is None:
        pytest.skip(REMEDY)
    with postgres_server(programs) as url:
        yield url


@contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """A temporary PostgreSQL server."""
    folder = Path(tempfile.mkdtemp(prefix="kubeportal-pg-"))
    try:
        port = free_port()
        _initialise(programs, folder)
        _control(programs, folder, "start", f"-p {port} -k {folder} -c fsync=off -h 127.0.0.1")
        try:
            yield f"postgres://kubeportal@127.0.0.1:{port}"
        finally:
            _control(programs, folder, "stop", "")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that are about the database run on each kind."""
    chosen = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    is_about_it = metafunc.definition.get_closest_marker("database") is not None
    if is_about_it and "database_kind" in metafunc.fixturenames and "database_kind" not in chosen:
        metafunc.parametrize("database_kind", ["sqlite", "postgres"])


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def database_url(
    request: pytest.FixtureRequest, database_kind: str, tmp_path: Path
) -> AsyncIterator[str]:
    """A new, empty database."""
    if database_kind == "sqlite":
        yield f"sqlite://{tmp_path}/empty.sqlite3"
        return
    server: str = request.getfixturevalue("postgres_url")
    async with new_database(server, f"test_{uuid4().hex}") as url:
        yield url


@pytest.fixture
async def migrated_url(
    request: pytest.FixtureRequest, database_kind: str, tmp_path: Path
) -> AsyncIterator[str]:
    """A new database as the portal needs it: a copy, which is faster than to migrate."""
    if database_kind == "sqlite":
        source: Path = request.getfixturevalue("migrated_file")
        shutil.copy(source, tmp_path / "portal.sqlite3")
        yield f"sqlite://{tmp_path}/portal.sqlite3"
        return
    server: str = request.getfixturevalue("postgres_url")
    template: str = request.getfixturevalue("migrated_template")
    async with new_database(server, f"test_{uuid4().hex} TEMPLATE {template}") as url:
        yield url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "portal.sqlite3"
    in_a_loop_of_its_own(migrate(f"sqlite://{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> str:
    name = f"template_{uuid4().hex}"
    in_a_loop_of_its_own(create_template(postgres_url, name))
    return name


async def migrate(url: str) -> None:
    database = Database(url)
    await database.open()
    await database.migrate()
    await database.close()


async def create_template(server: str, name: str) -> None:
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    await migrate(f"{server}/{name}")


def in_a_loop_of_its_own(work: Coroutine[None, None, None]) -> None:
    """For fixtures that are asked for while the loop of the tests is busy."""
    with ThreadPoolExecutor() as executor:
        executor.submit(asyncio.run, work).result()


@asynccontextmanager
async def new_database(server: str, definition: str) -> AsyncIterator[str]:
    name = definition.partition(" ")[0]
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f"CREATE DATABASE {definition}")
    yield f"{server}/{name}"
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def postgres_programs() -> Path | None:
    """PostgreSQL's server programs, which Debian keeps off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    candidates = found + ([Path(on_path)] if on_path else [])
    return candidates[0].parent if candidates else None


def _initialise(programs: Path, folder: Path) -> None:
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    data = folder / "data"
    _run(
        [str(programs / "initdb"), "-D", str(data), "-U", "kubeportal", "-A", "trust", "-N"], folder
    )


def _control(programs: Path, folder: Path, action: str, options: str) -> None:
    command = [str(programs / "pg_ctl"), "-D", str(folder / "data"), "-w", action]
    if options:
        command += ["-o", options, "-l", str(folder / "log")]
    _run(command, folder)


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(
        command,
        check=True,
        cwd=folder,
        capture_output=True,
        user="nobody" if os.geteuid() == 0 else None,
    )
