"""Changes of the former portal and of this one, as tests put them together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.portal.legacy.former import Edit, Row, Rows, find

Here = Callable[[], Awaitable[Any]]


def add(table: str, *rows: Row) -> Edit:
    return lambda all_rows: all_rows[table].extend(rows)


def change(table: str, key: int, **values: Any) -> Edit:
    return lambda rows: find(rows, table, key).update(values)


def both(*edits: Edit) -> Edit:
    return lambda rows: [edit(rows) for edit in edits]


def remove(table: str, key: int) -> Edit:
    return lambda rows: rows[table].remove(find(rows, table, key))


def nothing(rows: Rows) -> None:
    """Leaves the former portal as it was."""


def set_here(model: type[Any], key: int, **values: Any) -> Here:
    return lambda: model.filter(id=key).update(**values)
