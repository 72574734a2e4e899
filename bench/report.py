"""Tables of results, which are Markdown, for a terminal as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import click


@dataclass(slots=True)
class Table:
    """`note` explains how the numbers were measured."""

    title: str
    columns: Sequence[str]
    note: str = ""
    rows: list[Sequence[str]] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        table = "\n".join(_line(cells, widths) for cells in (self.columns, rule, *self.rows))
        return "\n\n".join(part for part in (f"## {self.title}", self.note, table) if part)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(padded)} |"


def show_progress(text: str) -> None:
    click.echo(f"… {text}", err=True)
