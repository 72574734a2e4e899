"""Keyset pagination: lists are sorted by a column and then by id, which makes rows distinct."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, ClassVar, Generic, Self, TypeAlias, TypeVar

import orjson
from tortoise.expressions import Case, Q, When
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models import Group, User, WebApp
from models.database import Alphabetical
from resolvers.errors import BadUserInput, FieldError, NotFound, Outdated

M = TypeVar("M", bound=Model)
Key: TypeAlias = str | datetime | None


class Direction(Enum):
    ASC = "ASC"
    DESC = "DESC"


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a row in an order, even after the row was deleted."""

    id: int
    key: Key = None


@dataclass(frozen=True, slots=True)
class Order:
    """By id."""

    column: str = "id"
    descending: bool = False

    @property
    def name(self) -> str:
        """Distinguishes its cursors from those of other orders."""
        return f"{'-' if self.descending else ''}{self.column}"

    def directed(self, direction: Direction) -> Self:
        return replace(self, descending=direction is Direction.DESC)

    def sorted(self, query: QuerySet[M], *, backwards: bool) -> QuerySet[M]:
        query, columns = self._keyed(query)
        sign = "-" if self.descending != backwards else ""
        return query.order_by(*(f"{sign}{column}" for column in columns))

    def beyond(self, position: Position, *, forwards: bool) -> Q:
        """The condition for rows after the position, or before it."""
        return self._beyond(position, "gt" if forwards != self.descending else "lt")

    def position(self, row: Model) -> Position:
        return Position(row.pk)

    def has_key(self, key: Key) -> bool:
        """Whether the key is valid in this order."""
        return key is None

    def _keyed(self, query: QuerySet[M]) -> tuple[QuerySet[M], tuple[str, ...]]:
        return query, ("id",)

    def _beyond(self, position: Position, operator: str) -> Q:
        return _where(f"id__{operator}", position.id)


@dataclass(frozen=True, slots=True)
class TextOrder(Order):
    """By the text of a column. Case-insensitive."""

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
class DateTimeOrder(Order):
    """By a date and time. Rows without one come first."""

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


MAXIMUM_CURSOR = 4000
MAXIMUM_ID = 2**31 - 1


def cursor(order: Order, position: Position) -> str:
    return urlsafe_b64encode(orjson.dumps([order.name, position.id, position.key])).decode()


def parse_cursor(order: Order, text: str) -> Position:
    """Raises ValueError unless the text is a cursor of that order."""
    if len(text) > MAXIMUM_CURSOR:
        raise ValueError("too long")
    match orjson.loads(urlsafe_b64decode(text)):
        case [order.name, int(row_id), str() | None as text_key] if 0 <= row_id <= MAXIMUM_ID:
            key = _date_time(text_key) if isinstance(order, DateTimeOrder) else text_key
            if order.has_key(key):
                return Position(int(row_id), key)
    raise ValueError("not of this order")


def _date_time(text: str | None) -> Key:
    try:
        return text and datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range") from None


MAXIMUM_PAGE = 100
MAXIMUM_SEARCH = 200
R = TypeVar("R", bound=Model)
N = TypeVar("N", User, Group, WebApp)


@dataclass(frozen=True, slots=True)
class PageArguments:
    """The requested slice: the first or last `size` rows between two positions."""

    size: int = MAXIMUM_PAGE
    backwards: bool = False
    after: Position | None = None
    before: Position | None = None
    order: Order = BY_ID


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    rows: Sequence[R]
    order: Order
    has_next: bool
    has_previous: bool


def page_arguments(
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    order: Order = BY_ID,
) -> PageArguments:
    """Raises BadUserInput that names the argument."""
    if first is not None and last is not None:
        raise BadUserInput(FieldError("Give either `first` or `last`, not both.", ("first",)))
    field, size = ("last", last) if last is not None else ("first", first)
    size = MAXIMUM_PAGE if size is None else size
    if not 0 <= size <= MAXIMUM_PAGE:
        raise BadUserInput(FieldError(f"`{field}` is from 0 to {MAXIMUM_PAGE}.", (field,)))
    return PageArguments(
        size=size,
        backwards=last is not None,
        after=_position("after", after, order),
        before=_position("before", before, order),
        order=order,
    )


async def find(model: type[N], row_id: int, version: int | None = None) -> N:
    """The row with that id, and with that version if one is given. Raises NotFound and Outdated."""
    row = await model.get_or_none(id=row_id)
    if row is None:
        raise NotFound
    if version not in (None, row.version):
        raise Outdated(row)
    return row


async def page(query: QuerySet[R], arguments: PageArguments) -> Page[R]:
    order = arguments.order
    query = order.sorted(query, backwards=arguments.backwards)
    if arguments.after is not None:
        query = query.filter(order.beyond(arguments.after, forwards=True))
    if arguments.before is not None:
        query = query.filter(order.beyond(arguments.before, forwards=False))
    return cut(await query.limit(arguments.size + 1), arguments)


def cut(rows: Sequence[R], arguments: PageArguments) -> Page[R]:
    """The page of rows that were read in its direction, up to one more than its size."""
    more = len(rows) > arguments.size
    rows, order = rows[: arguments.size], arguments.order
    if arguments.backwards:
        return Page(rows[::-1], order, has_next=arguments.before is not None, has_previous=more)
    return Page(rows, order, has_next=more, has_previous=arguments.after is not None)


def check_search(text: str | None) -> None:
    """Raises BadUserInput for a text that no row can contain."""
    if text and (len(text) > MAXIMUM_SEARCH or not _is_storable(text)):
        raise BadUserInput(
            FieldError(f"Search for at most {MAXIMUM_SEARCH} characters, without NUL.", ("search",))
        )


def row_id(text: str) -> int:
    """An id that the database can store. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAXIMUM_ID):
        raise ValueError(text)
    return int(text)


def _is_storable(text: str) -> bool:
    """Databases store neither NUL nor lone surrogates."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _position(field: str, text: str | None, order: Order) -> Position | None:
    if text is None:
        return None
    try:
        return parse_cursor(order, text)
    except ValueError:
        raise BadUserInput(
            FieldError(f"`{field}` is not a cursor of this connection in this order.", (field,))
        ) from None
