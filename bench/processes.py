"""The start of the server, its memory, and the commands that users wait for."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import click

from bench.client import Client
from bench.report import Table, show_progress
from bench.rows import rows_for
from bench.servers import KUBEPORTAL, Server, Stage, stage
from portal.cli.client import AccessTokenFile

CONNECTIONS = 4
PARTS = (0.2, 0.4, 0.4)
NOTE = (
    "CPU time (user and system) in seconds, the minimum of {rounds} runs; memory is the resident"
    " set. One worker, SQLite; the requests are those of the CPU time above, mixed, without"
    " sign-ins and lists."
)


def measure_start(its: Stage) -> tuple[float, float]:
    """The CPU time and memory of a portal that has just started."""
    show_progress("start of the server")
    with its.portal() as portal:
        return portal.cpu, portal.memory


def measure_processes(
    its: Stage, portal: Server, start: tuple[float, float], rounds: int, requests: int
) -> Table:
    """`start` is the result of `measure_start`, and `portal` one that has just started."""
    table = Table("Processes", NOTE.format(rounds=rounds), ("process", "CPU s", "MiB"))
    table.add("kubeportal serve, until it answers", f"{start[0]:.2f}", f"{start[1]:.0f}")
    _add_memory(table, its, portal, requests)
    show_progress("commands")
    config = _sign_in(its, portal)
    server = f"http://127.0.0.1:{portal.port}"
    for arguments in (("--help",), ("credential", "--server", server)):
        cpu = min(_run(*arguments, XDG_CONFIG_HOME=str(config)) for _ in range(rounds))
        table.add(f"kubeportal {arguments[0]}", f"{cpu:.2f}", "")
    return table


def _add_memory(table: Table, its: Stage, portal: Server, requests: int) -> None:
    mixture = [row.portal.encode() for row in rows_for(its.sample) if row.share == 1]
    sent = 0
    with Client(portal.port, connections=CONNECTIONS) as client:
        for part in PARTS:
            show_progress(f"memory after {sent} of {requests} requests")
            sent += client.send(mixture, round(part * requests))
            table.add(f"the same after {sent:,} requests", "", f"{portal.memory:.0f}")


def _sign_in(its: Stage, portal: Server) -> Path:
    """The folder with the access token that `kubeportal login` would store."""
    tokens = AccessTokenFile.default({"XDG_CONFIG_HOME": str(its.folder)})
    tokens.write(f"http://127.0.0.1:{portal.port}", its.sample.owner.token)
    return its.folder


def _run(*arguments: str, **variables: str) -> float:
    """The CPU time of a command in seconds. Raises ClickException when it fails."""
    before = getrusage(RUSAGE_CHILDREN)
    process = subprocess.run(  # noqa: S603
        (KUBEPORTAL, *arguments), check=False, capture_output=True, env={**os.environ, **variables}
    )
    after = getrusage(RUSAGE_CHILDREN)
    if process.returncode:
        raise click.ClickException(process.stderr.decode())
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@click.command(help=__doc__)
@click.option("--rounds", default=5, show_default=True)
@click.option("--requests", default=50_000, show_default=True, help="Requests before the last row.")
def processes(rounds: int, requests: int) -> Iterator[Table]:
    with stage("sqlite") as its:
        start = min(measure_start(its) for _ in range(rounds))
        with its.portal() as portal:
            yield measure_processes(its, portal, start, rounds, requests)
