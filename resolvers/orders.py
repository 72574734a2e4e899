"""The orders of lists: by a column and then by id, so that every row has one place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

from tortoise.expressions import Case, Q, When
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models.orders import Alphabetical

M = TypeVar("M", bound=Model)
Key: TypeAlias = str | datetime | None


class Direction(Enum):
    ASC = "ASC"
    DESC = "DESC"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a row stands in an order, or stood before it was deleted."""

    id: int
    key: Key = None


@dataclass(frozen=True, slots=True)
class Order:
    """By id."""

    column: str = "id"
    descending: bool = False

    @property
    def name(self) -> str:
        """What tells its cursors from those of other orders."""
        return f"{'-' if self.descending else ''}{self.column}"

    def directed(self, direction: Direction) -> Self:
        return replace(self, descending=direction is Direction.DESC)

    def sorted(self, query: QuerySet[M], *, backwards: bool) -> QuerySet[M]:
        query, columns = self._keyed(query)
        sign = "-" if self.descending != backwards else ""
        return query.order_by(*(f"{sign}{column}" for column in columns))

    def beyond(self, position: Position, *, forwards: bool) -> Q:
        """Rows of a sorted query that come after the position, or before it."""
        return self._beyond(position, "gt" if forwards != self.descending else "lt")

    def position(self, row: Model) -> Position:
        return Position(row.pk)

    def has_key(self, key: Key) -> bool:
        """Whether rows may have that key."""
        return key is None

    def _keyed(self, query: QuerySet[M]) -> tuple[QuerySet[M], tuple[str, ...]]:
        return query, ("id",)

    def _beyond(self, position: Position, operator: str) -> Q:
        return _where(f"id__{operator}", position.id)


@dataclass(frozen=True, slots=True)
class TextOrder(Order):
    """By the letters of a column, without their case."""

    KEY: ClassVar[str] = "order_key"

    def position(self, row: Model) -> Position:
        return Position(row.pk, getattr(row, self.KEY))

    def has_key(self, key: Key) -> bool:
        return isinstance(key, str) and "\0" not in key

    def _keyed(self, query: QuerySet[M]) -> tuple[QuerySet[M], tuple[str, ...]]:
        return query.annotate(**{self.KEY: Alphabetical(self.column)}), (self.KEY, "id")

    def _beyond(self, position: Position, operator: str) -> Q:
        same_key = _where(self.KEY, position.key) & _where(f"id__{operator}", position.id)
        return _where(f"{self.KEY}__{operator}", position.key) | same_key


@dataclass(frozen=True, slots=True)
class MomentOrder(Order):
    """By the moments of a column; where it is nullable, rows without one come first."""

    nullable: bool = False
    IS_SET: ClassVar[str] = "order_key_is_set"

    def position(self, row: Model) -> Position:
        return Position(row.pk, getattr(row, self.column))

    def has_key(self, key: Key) -> bool:
        return self.nullable if key is None else isinstance(key, datetime)

    def _keyed(self, query: QuerySet[M]) -> tuple[QuerySet[M], tuple[str, ...]]:
        if not self.nullable:
            return query, (self.column, "id")
        is_set = Case(When(_where(f"{self.column}__isnull", False), then="1"), default="0")
        return query.annotate(**{self.IS_SET: is_set}), (self.IS_SET, self.column, "id")

    def _beyond(self, position: Position, operator: str) -> Q:
        unset = _where(f"{self.column}__isnull", True)
        further_id = _where(f"id__{operator}", position.id)
        if position.key is None:
            return (unset & further_id) | ~unset if operator == "gt" else unset & further_id
        same_key = _where(self.column, position.key) & further_id
        beyond = _where(f"{self.column}__{operator}", position.key) | same_key
        return beyond | unset if self.nullable and operator == "lt" else beyond


BY_ID = Order()


def _where(condition: str, value: Any) -> Q:
    return Q(**{condition: value})
