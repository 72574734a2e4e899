"""The CPU time of requests, next to that of hand-written handlers with the same answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import click

from bench.client import Client, Request
from bench.report import Table, show_progress
from bench.rows import Row, rows_for
from bench.servers import Server, Stage, database_option, stage

NOTE = (
    "Milliseconds of CPU time (user and system) of the server process per request; portal and"
    " reference (`bench/reference.py`, with the same server, options, database and drivers) in"
    " turns; {connections} connections that stay open; the minimum of {rounds} turns of {requests}"
    " requests."
)


@dataclass(frozen=True, slots=True)
class Effort:
    rounds: int
    requests: int
    connections: int = 2


class Meter:
    """The minimum of the CPU time that a request takes at one server."""

    def __init__(self, server: Server, client: Client, request: Request) -> None:
        self._server = server
        self._client = client
        self._request = request.encode()
        self.milliseconds = inf

    def measure(self, count: int) -> None:
        before = self._server.cpu
        sent = self._client.send([self._request], count)
        seconds = self._server.cpu - before
        self.milliseconds = min(self.milliseconds, 1000 * seconds / sent)


def measure_cpu(
    its: Stage, portal: Server, reference: Server, effort: Effort, only: str = ""
) -> Table:
    """The rows whose names contain `only`."""
    note = NOTE.format(
        connections=effort.connections, rounds=effort.rounds, requests=effort.requests
    )
    columns = ("request", "portal", "reference", "ratio", "target")
    table = Table(f"CPU time of requests, {its.database}", note, columns)
    for row in rows_for(its.sample):
        if only.lower() in row.name.lower():
            show_progress(f"{its.database}: {row.name}")
            _measure_row(table, row, portal, reference, effort)
    return table


def _measure_row(table: Table, row: Row, portal: Server, reference: Server, effort: Effort) -> None:
    count = max(1, round(effort.requests * row.share))
    with (
        Client(portal.port, connections=effort.connections) as ours,
        Client(reference.port, connections=effort.connections) as theirs,
    ):
        _check(row, ours, theirs)
        meters = [Meter(portal, ours, row.portal)]
        if row.reference:
            meters.append(Meter(reference, theirs, row.reference))
        for _ in range(effort.rounds):
            for meter in meters:
                meter.measure(count)
    _add(table, row, [meter.milliseconds for meter in meters])


def _check(row: Row, portal: Client, reference: Client) -> None:
    """Raises ClickException for answers that are not comparable."""
    answer = portal.json(row.portal)
    if isinstance(answer, dict) and answer.get("errors"):
        raise click.ClickException(f"{row.name}: {answer}")
    expected = reference.json(row.reference) if row.reference else None
    if row.has_same_answer and answer != expected:
        raise click.ClickException(f"{row.name}: {answer} instead of {expected}")


def _add(table: Table, row: Row, milliseconds: list[float]) -> None:
    if row.reference is None:
        table.add(row.name, f"{milliseconds[0]:.3f}", "", "", "")
        return
    ours, theirs = milliseconds
    cells = (row.name, f"{ours:.3f}", f"{theirs:.3f}", f"{ours / theirs:.2f}")
    if row.target is None:
        table.add(*cells, "")
    else:
        table.add_limited(*cells, value=ours / theirs, limit=row.target)


@click.command(help=__doc__)
@database_option
@click.option("--only", default="", help="A part of the names of the rows to measure.")
@click.option("--rounds", default=10, show_default=True)
@click.option("--requests", default=100, show_default=True, help="Requests in a turn.")
def cpu(databases: Sequence[str], only: str, rounds: int, requests: int) -> Iterator[Table]:
    effort = Effort(rounds, requests)
    for database in databases:
        with stage(database) as its, its.portal() as portal, its.reference() as reference:
            yield measure_cpu(its, portal, reference, effort, only)
