"""The CPU time of an observation of a small and of a large cluster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import click

from bench.api_server import ApiServer, running
from bench.report import Table, show_progress
from cluster.connection import Connection
from cluster.facts import Observer
from cluster.sources import Kubeconfig

SIZES = ((10, 100), (100, 20_000))  # nodes, pods
NOTE = (
    "Milliseconds of CPU time of the portal, which observes a stub of the API server; the clusters"
    " in turns; the median of {rounds} observations."
)


def measure_facts(rounds: int, limit: float) -> Table:
    show_progress("facts")
    table = Table(
        "Facts of a cluster", NOTE.format(rounds=rounds), ("cluster", "CPU", "ratio", "limit")
    )
    with TemporaryDirectory() as folder, ExitStack() as stack:
        kubeconfigs = []
        for nodes, pods in SIZES:
            server = stack.enter_context(running(ApiServer(nodes=nodes, pods=pods)))
            kubeconfigs.append(Path(folder, f"{nodes}"))
            server.write_kubeconfig(kubeconfigs[-1])
        small, large = asyncio.run(_observe_in_turns(kubeconfigs, rounds))
    names = [f"{nodes} nodes, {pods:,} pods" for nodes, pods in SIZES]
    table.add(names[0], f"{1000 * small:.2f}", "", "")
    ratio = large / small
    table.add_limited(names[1], f"{1000 * large:.2f}", f"{ratio:.2f}", value=ratio, limit=limit)
    return table


async def _observe_in_turns(kubeconfigs: list[Path], rounds: int) -> list[float]:
    """The median of the CPU seconds for each cluster."""
    connections = [await _connect(kubeconfig) for kubeconfig in kubeconfigs]
    try:
        turns = [[await _observe(each) for each in connections] for _ in range(rounds)]
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
    return [median(seconds) for seconds in zip(*turns, strict=True)]


async def _connect(kubeconfig: Path) -> Connection:
    file = Kubeconfig.read(str(kubeconfig))
    return await file.connect(file.current_context[0])


async def _observe(connection: Connection) -> float:
    # Of this thread: those of the API servers are not measured
    cpu = time.thread_time()
    observation = await Observer(connection, timeout=30).observe()
    cpu = time.thread_time() - cpu
    for subject, failure in observation.failures.items():
        raise click.ClickException(f"{subject}: {failure}")
    return cpu


@click.command(help=__doc__)
@click.option("--rounds", default=100, show_default=True)
@click.option("--limit", default=2.0, show_default=True, help="Allowed ratio of the CPU times.")
def facts(rounds: int, limit: float) -> Iterator[Table]:
    yield measure_facts(rounds, limit)
