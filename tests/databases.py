"""The databases that the suite runs on: SQLite always, PostgreSQL where there is one."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

ENVIRONMENT = "KUBEPORTAL_TEST_DATABASE_URL"
REMEDY = f"no PostgreSQL: install its server programs, or set {ENVIRONMENT}"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server in which databases may be created."""
    if given := os.environ.get(ENVIRONMENT):
        yield given.rstrip("/")
        return
    programs = _programs()
    if programs is None:
        pytest.skip(REMEDY)
    folder = Path(tempfile.mkdtemp(prefix="kubeportal-pg-"))
    try:
        port = free_port()
        _initialise(programs, folder)
        _control(programs, folder, "start", f"-p {port} -k {folder} -c fsync=off -h 127.0.0.1")
        yield f"postgres://kubeportal@127.0.0.1:{port}"
        _control(programs, folder, "stop", "")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A new, empty database; every test that uses it runs on each kind."""
    if request.param == "sqlite":
        yield f"sqlite://{tmp_path}/portal.sqlite3"
        return
    server: str = request.getfixturevalue("postgres_url")
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    yield f"{server}/{name}"
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _programs() -> Path | None:
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
