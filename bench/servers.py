"""The measured processes: the portal and the reference, on one database and one cluster."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench.api_server import ApiServer, running
from bench.client import Client, Request
from bench.rows import DOCUMENTS
from bench.sample import SECRET_KEY, Sample, create_sample
from tests.databases import free_port, postgres_programs, postgres_server

DATABASES = ("sqlite", "postgres")
database_option = click.option(
    "--database",
    "databases",
    type=click.Choice(DATABASES),
    multiple=True,
    default=DATABASES,
    show_default=True,
)
KUBEPORTAL = str(Path(sys.executable).with_name("kubeportal"))
START_SECONDS = 60
IDLE_SECONDS, IDLE_SHARE = 0.5, 0.05
# Of the kernel's interface for `clock_gettime`: the CPU time of a whole process
CPUCLOCK_SCHED = 2


class Server:
    """A process that serves HTTP, and its children. CPU times are in seconds, sizes in MiB."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    @property
    def cpu(self) -> float:
        return sum(cpu_seconds(pid) for pid in self._pids)

    @property
    def memory(self) -> float:
        return sum(resident_mebibytes(pid) for pid in self._pids)

    def wait_until_idle(self) -> None:
        """Until all workers have started."""
        cpu = -inf
        while self.cpu - cpu > IDLE_SHARE * IDLE_SECONDS:
            cpu = self.cpu
            time.sleep(IDLE_SECONDS)

    @property
    def _pids(self) -> list[int]:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
        return [pid, *map(int, children.split())]


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads, also of those that have ended."""
    return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)


def resident_mebibytes(pid: int) -> float:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def serving(
    command: Sequence[str], port: int, *, folder: Path, environment: Mapping[str, str], ready: str
) -> Iterator[Server]:
    """A server, as soon as it answers at the path `ready`."""
    log = folder / f"{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603
            command, env={**_environment(), **environment}, stdout=output, stderr=output
        )
    try:
        _wait_until_ready(process, port, ready, log)
        yield Server(process, port)
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _environment() -> dict[str, str]:
    ours = ("KUBEPORTAL_", "KUBECONFIG")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with Client(port) as client:
                client.json(Request("GET", path))
                return
        except OSError:
            time.sleep(0.02)
    raise click.ClickException(f"a server does not start: {log.read_text(encoding='utf-8')}")


@dataclass(frozen=True, slots=True)
class Stage:
    """A database with the sample, a cluster, and how to start servers for them."""

    database: str
    sample: Sample
    api_server: ApiServer
    folder: Path
    environment: Mapping[str, str]

    @contextmanager
    def portal(self, *, workers: int = 1, **variables: str) -> Iterator[Server]:
        port = free_port()
        command = (KUBEPORTAL, "serve", "--port", str(port), "--workers", str(workers))
        environment = {**self.environment, **variables}
        with serving(
            command, port, folder=self.folder, environment=environment, ready="/readyz"
        ) as server:
            yield server

    @contextmanager
    def reference(self) -> Iterator[Server]:
        port = free_port()
        command = (sys.executable, "-m", "bench.reference", str(port))
        with serving(
            command, port, folder=self.folder, environment=self.environment, ready="/bootstrap"
        ) as server:
            yield server


@contextmanager
def stage(database: str) -> Iterator[Stage]:
    """`database` is one of DATABASES. Everything is temporary."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kubeportal-bench-")))
        url = stack.enter_context(empty_database(database, folder))
        api_server = stack.enter_context(running(ApiServer()))
        api_server.write_kubeconfig(folder / "kubeconfig")
        documents = folder / "documents"
        documents.mkdir()
        for name, text in DOCUMENTS.items():
            (documents / f"{name}.graphql").write_text(text, encoding="utf-8")
        environment = {
            "KUBEPORTAL_DATABASE_URL": url,
            "KUBEPORTAL_SECRET_KEY": SECRET_KEY,
            "KUBEPORTAL_GRAPHQL_DOCUMENTS_PATH": str(documents),
            "KUBECONFIG": str(folder / "kubeconfig"),
        }
        sample = asyncio.run(create_sample(url))
        yield Stage(database, sample, api_server, folder, environment)


@contextmanager
def empty_database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite://{folder}/portal.sqlite3"
        return
    with temporary_postgres() as server:
        yield f"{server}/postgres"


@contextmanager
def temporary_postgres() -> Iterator[str]:
    """Raises ClickException without the programs of the server."""
    programs = postgres_programs()
    if programs is None:
        raise click.ClickException("no PostgreSQL: install its server programs")
    with postgres_server(programs) as server:
        yield server
