"""Benchmarks of the portal."""

from __future__ import annotations

import click

from bench.cpu import cpu
from bench.data import data
from bench.facts import facts
from bench.legacy import legacy
from bench.limits import limits
from bench.processes import processes
from bench.scale import scale
from bench.subscribers import subscribers
from bench.throughput import throughput


@click.group(help=__doc__)
def bench() -> None: ...


for command in (cpu, throughput, subscribers, processes, limits, facts, legacy, data, scale):
    bench.add_command(command)

if __name__ == "__main__":
    bench(prog_name="python -m bench")
