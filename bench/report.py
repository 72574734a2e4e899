"""Tables of results: Markdown, for the terminal as well as for the file of results."""

from __future__ import annotations

import platform
import re
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from os import cpu_count, sysconf
from pathlib import Path

import click

from tests.databases import postgres_programs

PACKAGES = (
    "strawberry-graphql",
    "graphql-core",
    "tortoise-orm",
    "starlette",
    "uvicorn",
    "aiosqlite",
    "asyncpg",
)
ROOT = Path(__file__).parents[1]


@dataclass(slots=True)
class Table:
    """`note` says how the numbers were measured. `misses` names the rows above their limits."""

    title: str
    note: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def add_limited(self, *cells: str, value: float, limit: float) -> None:
        """A row whose last cell is the limit of the value."""
        self.rows.append((*cells, f"≤ {limit:g}"))
        if value > limit:
            self.misses.append(f"{self.title}: {cells[0]}")

    def __str__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        table = "\n".join(_line(cells, widths) for cells in (self.columns, rule, *self.rows))
        return f"## {self.title}\n\n{self.note}\n\n{table}\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(padded)} |"


def show_progress(text: str) -> None:
    click.echo(f"… {text}", err=True)


def publish(tables: Iterable[Table], file: Path | None) -> None:
    """Print each table as soon as it is measured; write all of them to the file at the end.

    Raises ClickException when a row is above its limit.
    """
    measured = [_printed(table) for table in tables]
    if file is not None:
        facts = "".join(f"- {fact}\n" for fact in _facts())
        text = "\n".join(["# Results of `make bench`\n", facts, *map(str, measured)])
        file.write_text(text, encoding="utf-8")
    if misses := [miss for table in measured for miss in table.misses]:
        raise click.ClickException("\n  ".join(["above the limit:", *misses]))


def _printed(table: Table) -> Table:
    click.echo(f"\n{table}")
    return table


def _facts() -> Iterator[str]:
    """The commit, the date, the machine and the versions."""
    yield f"commit {_output('git', 'describe', '--always', '--dirty')}"
    yield f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    yield f"{_processor()}, {cpu_count()} CPUs, {_memory_gibibytes():.1f} GiB"
    yield f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {_postgres()}"
    yield ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def _output(*command: str) -> str:
    process = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603
    return process.stdout.strip()


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*: (.*)$", text, flags=re.MULTILINE)
    return model[1] if model else platform.machine()


def _memory_gibibytes() -> float:
    return sysconf("SC_PHYS_PAGES") * sysconf("SC_PAGE_SIZE") / 2**30


def _postgres() -> str:
    programs = postgres_programs()
    if programs is None:
        return "no PostgreSQL"
    return _output(str(programs / "postgres"), "--version").replace(
        "postgres (PostgreSQL)", "PostgreSQL"
    )
