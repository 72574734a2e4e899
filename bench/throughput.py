"""Requests per second and latencies under load, measured with wrk."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from bench.client import Request
from bench.report import Table, show_progress
from bench.rows import rows_for
from bench.servers import Server, Stage, database_option, stage

CONNECTIONS = 32
WORKERS = (1, 4)
NOTE = (
    f"{CONNECTIONS} connections of wrk, which runs on the same machine, for {{seconds}} s each;"
    " latencies in milliseconds."
)
MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}


def measure_throughput(its: Stage, seconds: int) -> Table:
    columns = ("request", "server", "requests/s", "p50", "p99")
    table = Table(f"Throughput, {its.database}", NOTE.format(seconds=seconds), columns)
    wrk = shutil.which("wrk")
    if wrk is None:
        table.note = "Not measured, as wrk is not installed."
        return table
    rows = [row for row in rows_for(its.sample) if row.is_main]
    for workers in WORKERS:
        with its.portal(workers=workers) as portal:
            portal.wait_until_idle()
            for row in rows:
                name = f"portal, {workers} worker{'s'[: workers - 1]}"
                show_progress(f"{its.database}: {row.name}, {name}")
                table.add(row.name, name, *_run(wrk, portal, row.portal, its.folder, seconds))
    with its.reference() as reference:
        for row in rows:
            if row.reference and row.has_same_answer:
                show_progress(f"{its.database}: {row.name}, reference")
                cells = _run(wrk, reference, row.reference, its.folder, seconds)
                table.add(row.name, "reference, 1 worker", *cells)
    table.rows.sort(key=lambda cells: [row.name for row in rows].index(cells[0]))
    return table


def _run(
    wrk: str, server: Server, request: Request, folder: Path, seconds: int
) -> tuple[str, str, str]:
    """Requests per second, the median latency and the 99th percentile."""
    script = folder / "wrk.lua"
    script.write_text(_script(request), encoding="utf-8")
    load = ("-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout=30s", "--latency")
    command = (wrk, *load, "-s", str(script), f"http://127.0.0.1:{server.port}{request.path}")
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    if "Non-2xx" in output or "Socket errors" in output:
        raise click.ClickException(output)
    [rate] = re.findall(r"^Requests/sec:\s+(\S+)", output, flags=re.MULTILINE)
    return f"{float(rate):.0f}", _latency(output, 50), _latency(output, 99)


def _script(request: Request) -> str:
    """In Lua, whose texts are like those of JSON as long as they are in ASCII."""
    headers = "\n".join(
        f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}"
        for name, value in request.headers.items()
        if name != "Content-Length"
    )
    body = f"wrk.body = {json.dumps(request.content)}" if request.content else ""
    return f"wrk.method = {json.dumps(request.method)}\n{headers}\n{body}\n"


def _latency(output: str, percentile: int) -> str:
    [(value, unit)] = re.findall(
        rf"^\s+{percentile}%\s+([\d.]+)(\w+) *$", output, flags=re.MULTILINE
    )
    return f"{float(value) * MILLISECONDS[unit]:.1f}"


@click.command(help=__doc__)
@database_option
@click.option("--seconds", default=3, show_default=True, help="Duration of each measurement.")
def throughput(databases: Sequence[str], seconds: int) -> Iterator[Table]:
    for database in databases:
        with stage(database) as its:
            yield measure_throughput(its, seconds)
