"""Lists on standard output: a table for people or JSON for programs, one page after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias, TypeVar

import click
import orjson
from tortoise.models import Model
from tortoise.queryset import QuerySet

from portal.logs import printable
from resolvers.pages import MAXIMUM_PAGE, Order, PageArguments, page

R = TypeVar("R", bound=Model)
Row: TypeAlias = Mapping[str, Any]
GAP = "  "

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, with exact times.")
limit_option = click.option("--limit", type=click.IntRange(1), help="Maximum number of rows.")


async def pages_of(
    query: QuerySet[R], order: Order, limit: int | None = None
) -> AsyncIterator[Sequence[R]]:
    """The first `limit` rows, or all of them, in pages: one page is in memory at a time."""
    after = None
    while limit is None or limit > 0:
        size = MAXIMUM_PAGE if limit is None else min(limit, MAXIMUM_PAGE)
        found = await page(query, PageArguments(size, after=after, order=order))
        if found.rows:
            yield found.rows
        if not found.has_next:
            return
        after = order.position(found.rows[-1])
        limit = None if limit is None else limit - size


async def print_list(
    pages: AsyncIterator[Sequence[Row]], columns: Mapping[str, str], now: datetime, *, as_json: bool
) -> None:
    """columns: the keys of the rows that the table shows, by title. JSON has all keys."""
    if as_json:
        await _print_json(pages)
        return
    lines: list[list[str]] = [list(columns)]
    widths = [0] * len(columns)
    async for rows in pages:
        lines += ([cell(row[key], now) for key in columns.values()] for row in rows)
        widths = _print_lines(lines, widths)
        lines = []
    _print_lines(lines, widths)


async def _print_json(pages: AsyncIterator[Sequence[Row]]) -> None:
    """An array with a line per row."""
    before = "[\n"
    async for rows in pages:
        for row in rows:
            click.echo(f"{before}{orjson.dumps(row).decode()}", nl=False)
            before = ",\n"
    click.echo("[]" if before == "[\n" else "\n]")


def _print_lines(lines: Sequence[Sequence[str]], widths: Sequence[int]) -> list[int]:
    """Returns the widths of the columns, which grow with what the lines need."""
    needed = ((*map(len, texts), 0) for texts in zip(*lines, strict=True))
    grown = [max(width, *lengths) for width, lengths in zip(widths, needed, strict=False)]
    for texts in lines:
        padded = (f"{text:<{width}}" for text, width in zip(texts, grown, strict=True))
        click.echo(GAP.join(padded).rstrip())
    return grown


def cell(value: Any, now: datetime) -> str:
    """A value for people. A reference to a user or another subject is its name."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return relative_time(value, now)
        case {"type": kind, "name": name}:
            return printable(str(name or kind))
        case _:
            return printable(str(value))


def relative_time(moment: datetime, now: datetime) -> str:
    """Such as `in 11 h 58 min`, `3 days ago` or `now`."""
    duration = _duration(abs(moment - now))
    if not duration:
        return "now"
    return f"in {duration}" if moment > now else f"{duration} ago"


def _duration(delta: timedelta) -> str:
    """Empty below a minute."""
    minutes = delta // timedelta(minutes=1)
    if delta.days:
        return "1 day" if delta.days == 1 else f"{delta.days} days"
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else ""
