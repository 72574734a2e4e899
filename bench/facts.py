"""What keeping the facts of a cluster fresh costs, in a small and in a large cluster.

    python -m bench.facts KUBECONFIG SEED

The cluster should be empty at first; the Python program SEED fills it when it is called with
`KUBECONFIG --nodes N --pods N`. Fails when the CPU time grows by more than the limit.
"""

import asyncio
import subprocess
import sys
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import click
from aiohttp import ClientResponse

from cluster.connection import Caller, Connection, Method, Wanted
from cluster.contexts import Contexts
from cluster.facts import Facts
from cluster.observer import Observer
from cluster.snapshot import Snapshot

READS = 100_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one observation; reading a fact afterwards is what a request does."""

    cpu_ms: float
    wall_ms: float
    kib: float
    read_us: float


class CountingCaller(Caller):
    """Counts the bytes of the answers, decompressed."""

    received = 0

    async def call(self, method: Method, answer: type[Wanted], **arguments: Any) -> Wanted:
        async def counted(**options: Any) -> ClientResponse:
            response = await method(**options)
            self.received += len(await response.read())
            return response

        return await super().call(counted, answer, **arguments)


async def measure(connection: Connection, rounds: int) -> tuple[str, Cost]:
    """How large the cluster is, and what the least disturbed observation of it costs."""
    caller = CountingCaller(connection, seconds=30)
    observer = Observer(caller)
    observation = await observer.observe()
    caller.received = 0
    cpu, wall = [], []
    for _ in range(rounds):
        cpu_before, wall_before = time.process_time(), time.perf_counter()
        observation = await observer.observe()
        cpu.append(time.process_time() - cpu_before)
        wall.append(time.perf_counter() - wall_before)
    size = f"{observation.values['node_count']} nodes, {observation.values['pod_count']} pods"
    cost = Cost(
        cpu_ms=1000 * min(cpu),
        wall_ms=1000 * min(wall),
        kib=caller.received / rounds / 1024,
        read_us=1_000_000 * seconds_per_read(Facts(**observation.values)),
    )
    return size, cost


def seconds_per_read(facts: Facts) -> float:
    snapshot = Snapshot()
    snapshot.publish(facts)
    started = time.perf_counter()
    for _ in range(READS):
        _ = snapshot.facts.pod_count
    return (time.perf_counter() - started) / READS


async def measure_cluster(kubeconfig: Path, rounds: int) -> tuple[str, Cost]:
    contexts = Contexts.read(str(kubeconfig))
    connection = await contexts.connect(contexts.current[0])
    try:
        return await measure(connection, rounds)
    finally:
        await connection.close()


def fill(seed: Path, kubeconfig: Path, nodes: int, pods: int) -> None:
    numbers = ["--nodes", str(nodes), "--pods", str(pods)]
    command = [sys.executable, str(seed), str(kubeconfig), *numbers]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


@click.command(help=__doc__)
@click.argument("kubeconfig", type=click.Path(exists=True, path_type=Path))
@click.argument("seed", type=click.Path(exists=True, path_type=Path))
@click.option("--nodes", default=100, show_default=True)
@click.option("--pods", default=20_000, show_default=True)
@click.option("--rounds", default=100, show_default=True)
@click.option("--limit", default=2.0, show_default=True, help="Allowed ratio of the CPU times.")
def main(kubeconfig: Path, seed: Path, nodes: int, pods: int, rounds: int, limit: float) -> None:
    fill(seed, kubeconfig, 3, 20)
    small_size, small = asyncio.run(measure_cluster(kubeconfig, rounds))
    fill(seed, kubeconfig, nodes, pods)
    large_size, large = asyncio.run(measure_cluster(kubeconfig, rounds))
    click.echo(f"{'per observation':<24}{'CPU ms':>10}{'wall ms':>10}{'KiB':>10}{'read µs':>10}")
    rows = {small_size: astuple(small), large_size: astuple(large)}
    rows["ratio"] = tuple(b / a for a, b in zip(astuple(small), astuple(large), strict=True))
    for name, numbers in rows.items():
        click.echo(f"{name:<24}" + "".join(f"{number:>10.2f}" for number in numbers))
    if large.cpu_ms > limit * small.cpu_ms:
        raise click.ClickException(f"the CPU time grows by more than {limit}")


if __name__ == "__main__":
    main()
