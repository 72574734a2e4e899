"""What keeping the facts of a cluster fresh costs, in a small and in a large cluster.

    python -m bench facts SMALL LARGE

SMALL and LARGE are kubeconfigs. The clusters are observed in turns, so that whatever else the
machine does disturbs both alike. Fails when the large one costs more CPU time than the limit.
"""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import click

from cluster.connection import Connection
from cluster.facts import Facts, Observer, Snapshot
from cluster.sources import Kubeconfig

READS = 1000
COLUMNS = ("CPU ms", "wall ms", "read µs")


@dataclass(slots=True)
class Series:
    """The costs of many observations of one cluster, each a row of COLUMNS."""

    connection: Connection
    size: str = ""
    rows: list[tuple[float, ...]] = field(default_factory=list)

    async def add(self) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        observation = await Observer(self.connection, timeout=30).observe()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        for subject, failure in observation.failures.items():
            raise click.ClickException(f"{subject}: {failure}")
        values = observation.values
        self.size = f"{values['node_count']} nodes, {values['pod_count']} pods"
        read = seconds_per_read(Facts(**values))
        self.rows.append((1e3 * cpu, 1e3 * wall, 1e6 * read))

    @property
    def medians(self) -> list[float]:
        return [median(column) for column in zip(*self.rows, strict=True)]


def seconds_per_read(facts: Facts) -> float:
    """What a request for a fact costs, once the facts are there."""
    snapshot = Snapshot()
    snapshot.publish(facts)
    started = time.perf_counter()
    for _ in range(READS):
        _ = snapshot.facts.pod_count
    return (time.perf_counter() - started) / READS


async def connect(kubeconfig: Path) -> Connection:
    file = Kubeconfig.read(str(kubeconfig))
    return await file.connect(file.current_context[0])


async def measure(kubeconfigs: tuple[Path, Path], rounds: int) -> tuple[Series, Series]:
    small, large = [Series(await connect(kubeconfig)) for kubeconfig in kubeconfigs]
    try:
        for _ in range(rounds):
            await small.add()
            await large.add()
    finally:
        await asyncio.gather(small.connection.close(), large.connection.close())
    return small, large


@click.command(help=__doc__)
@click.argument("small", type=click.Path(exists=True, path_type=Path))
@click.argument("large", type=click.Path(exists=True, path_type=Path))
@click.option("--rounds", default=200, show_default=True)
@click.option("--limit", default=2.0, show_default=True, help="Allowed ratio of the CPU times.")
def facts(small: Path, large: Path, rounds: int, limit: float) -> None:
    one, other = asyncio.run(measure((small, large), rounds))
    ratios = [b / a for a, b in zip(one.medians, other.medians, strict=True)]
    click.echo(f"{'median observation':<26}" + "".join(f"{title:>10}" for title in COLUMNS))
    for name, row in ((one.size, one.medians), (other.size, other.medians), ("ratio", ratios)):
        click.echo(f"{name:<26}" + "".join(f"{number:>10.2f}" for number in row))
    if ratios[0] > limit:
        raise click.ClickException(f"the CPU time grows by more than {limit}")
