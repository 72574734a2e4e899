"""Benchmarks of the portal.

Each prints tables, and fails when a row is above its limit. `data` fills databases for `scale`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from bench.cpu import cpu
from bench.data import data
from bench.facts import facts
from bench.legacy import legacy
from bench.limits import limits
from bench.processes import processes
from bench.report import Table, publish
from bench.scale import scale
from bench.subscribers import subscribers
from bench.throughput import throughput

COMMANDS = (cpu, throughput, subscribers, processes, limits, facts, legacy, scale)


@click.group(help=__doc__)
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to write the tables to, with the machine, the versions and the commit.",
)
def bench(results: Path | None) -> None: ...


@bench.result_callback()
def publish_tables(tables: Iterator[Table] | None, results: Path | None) -> None:
    publish(tables or (), results)


@bench.command("all")
@click.pass_context
def run_all(context: click.Context) -> Iterator[Table]:
    """All of them, with their default options."""
    for command in COMMANDS:
        yield from context.invoke(command)


for each in (*COMMANDS, data):
    bench.add_command(each)

if __name__ == "__main__":
    bench(prog_name="python -m bench")
