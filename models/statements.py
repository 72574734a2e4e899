"""Statements that are written once, as SQL for both dialects, and then only bound.

Tortoise builds the text of a query anew each time, which takes several times as long as the
statement itself. The reads of most requests are statements, next to the rule that they express.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.fields import DatetimeField, Field
from tortoise.models import Model

from models.database import SqliteClient, current_connection

PARAMETER = re.compile(r"(\bIN )?:(\w+)")
ALL_COLUMNS = re.compile(r"\b(\w+)\.\*")


class Statement:
    """A SELECT. `:name` is a parameter, and `IN :names` takes a list of numbers or texts.

    `models` are those of aliases: `u.*` selects the columns of `u`, which become an instance of its
    model, or None where an outer join has found nothing. They come first, in that order.
    """

    def __init__(self, sql: str, **models: type[Model]) -> None:
        self._sql = sql
        self._models = models
        self._parameters = tuple(dict.fromkeys(name for _, name in PARAMETER.findall(sql)))
        self._has_lists = any(operator for operator, _ in PARAMETER.findall(sql))
        self._built: dict[str, tuple[str, list[Hydrator]]] = {}

    async def rows(self, **values: Any) -> Sequence[tuple[Any, ...]]:
        """What is selected: instances, then values. Raises OperationalError."""
        client = current_connection()
        dialect = client.capabilities.dialect
        # Only now, as Tortoise completes the models when it is initialised
        text, hydrators = self._built.get(dialect) or self._build(dialect)
        found: Sequence[Any]
        if dialect == "postgres":
            arguments = [values[name] for name in self._parameters]
            _, found = await client.execute_query(text, arguments)
        else:
            if self._has_lists:
                text = PARAMETER.sub(partial(_expand, values), text)
            found = await _fetch_from_sqlite(client, text, values)
        return [_hydrated(tuple(row), hydrators) for row in found]

    async def row(self, **values: Any) -> tuple[Any, ...] | None:
        """The first row, if there is one. Raises OperationalError."""
        rows = await self.rows(**values)
        return rows[0] if rows else None

    def _build(self, dialect: str) -> tuple[str, list[Hydrator]]:
        hydrators = {alias: Hydrator(model, dialect) for alias, model in self._models.items()}

        def all_columns(match: re.Match[str]) -> str:
            return ", ".join(f'{match[1]}."{name}"' for name in hydrators[match[1]].columns)

        def numbered(match: re.Match[str]) -> str:
            number = self._parameters.index(match[2]) + 1
            return f"= ANY(${number})" if match[1] else f"${number}"

        text = ALL_COLUMNS.sub(all_columns, self._sql)
        if dialect == "postgres":
            text = PARAMETER.sub(numbered, text)
        self._built[dialect] = text, list(hydrators.values())
        return self._built[dialect]


async def _fetch_from_sqlite(
    client: BaseDBAsyncClient, text: str, values: dict[str, Any]
) -> Sequence[Any]:
    """In the event loop, except in a transaction and from a database in memory."""
    if isinstance(client, SqliteClient) and client.reader:
        return client.reader.fetch(text, values)
    _, found = await client.execute_query(text, values)  # type: ignore[arg-type]  # any parameters
    return found


def _expand(values: dict[str, Any], match: re.Match[str]) -> str:
    """A parameter for each item: SQLite looks up constants in a view, but not a table of them."""
    operator, name = match.groups()
    if not operator:
        return match[0]
    items = {f"{name}_{number}": item for number, item in enumerate(values[name])}
    values |= items
    return f"IN ({', '.join(f':{item}' for item in items)})"


class Hydrator:
    """Makes instances of a model from its columns, like Tortoise, in a fifth of the time.

    Tortoise's own way is a call for each field, and a parser in Python for times.
    """

    def __init__(self, model: type[Model], dialect: str) -> None:
        meta = model._meta
        native = {column for column, *_ in meta.db_native_fields}
        self._model = model
        self._custom_key = meta.db_pk_column not in meta.generated_db_fields
        self.columns = [meta.db_pk_column, *sorted(meta.db_fields - {meta.db_pk_column})]
        self._attributes = [meta.fields_db_projection_reverse[column] for column in self.columns]
        self._conversions = [
            (number, _conversion(meta.fields_map[attribute], dialect))
            for number, attribute in enumerate(self._attributes)
            if self.columns[number] not in native
        ]

    def instance(self, row: list[Any]) -> Model | None:
        """None for a row without a primary key, which is the first column."""
        if row[0] is None:
            return None
        for number, convert in self._conversions:
            if row[number] is not None:
                row[number] = convert(row[number])
        instance = self._model.__new__(self._model)
        instance.__dict__.update(
            zip(self._attributes, row, strict=True),
            _partial=False,
            _saved_in_db=True,
            _custom_generated_pk=self._custom_key,
            _await_when_save={},
        )
        return instance


def _conversion(field: Field[Any], dialect: str) -> Callable[[Any], Any]:
    if dialect == "sqlite" and isinstance(field, DatetimeField):
        return datetime.fromisoformat
    return field.to_python_value


def _hydrated(row: tuple[Any, ...], hydrators: Sequence[Hydrator]) -> tuple[Any, ...]:
    instances, start = [], 0
    for hydrator in hydrators:
        end = start + len(hydrator.columns)
        instances.append(hydrator.instance(list(row[start:end])))
        start = end
    return (*instances, *row[start:])


def by_owner(rows: Iterable[tuple[Any, ...]], owners: Sequence[int]) -> list[list[Any]]:
    """The first value of the rows of each owner, whose id is the last value."""
    found: dict[int, list[Any]] = {owner: [] for owner in owners}
    for first, *_, owner in rows:
        found[owner].append(first)
    return [found[owner] for owner in owners]
