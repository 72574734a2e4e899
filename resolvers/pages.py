"""Keyset pagination: lists are sorted by a column and then by id, which makes rows distinct."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, ClassVar, Generic, Self, TypeAlias, TypeVar

import orjson
from pypika_tortoise.terms import Tuple
from tortoise.expressions import Expression, F, Q, ResolveContext
from tortoise.models import Model
from tortoise.query_utils import QueryModifier
from tortoise.queryset import QuerySet

from models import Group, User, WebApp
from models.database import NEVER, Alphabetical, Chronological
from models.lists import with_custom_plan
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

    KEY: ClassVar[str] = "order_key"

    @property
    def name(self) -> str:
        """Distinguishes its cursors from those of other orders."""
        return f"{'-' if self.descending else ''}{self.column}"

    def directed(self, direction: Direction) -> Self:
        return replace(self, descending=direction is Direction.DESC)

    def sorted(self, query: QuerySet[M], *, backwards: bool) -> QuerySet[M]:
        sign = "-" if self.descending != backwards else ""
        expression = self._expression()
        if expression is None:
            return query.order_by(f"{sign}id")
        keyed = query.annotate(**{self.KEY: expression})
        return keyed.order_by(f"{sign}{self.KEY}", f"{sign}id")

    def beyond(self, position: Position, *, forwards: bool) -> Q:
        """The condition for rows after the position, or before it."""
        operator = "gt" if forwards != self.descending else "lt"
        expression = self._expression()
        if expression is None:
            condition: dict[str, Any] = {f"id__{operator}": position.id}
            return Q(**condition)
        return Beyond(expression, operator, self._value(position.key), position.id)

    def position(self, row: Model) -> Position:
        return Position(row.pk)

    def has_key(self, key: Key) -> bool:
        """Whether the key is valid in this order."""
        return key is None

    def _expression(self) -> Expression | None:
        """The key that rows are sorted by, before their ids."""
        return None

    def _value(self, key: Key) -> Key:
        """The value of the expression for a row with the key."""
        return key


@dataclass(frozen=True, slots=True)
class TextOrder(Order):
    """By the text of a column. Case-insensitive."""

    def position(self, row: Model) -> Position:
        return Position(row.pk, getattr(row, self.KEY))

    def has_key(self, key: Key) -> bool:
        return isinstance(key, str) and "\0" not in key

    def _expression(self) -> Expression:
        return Alphabetical(self.column)


@dataclass(frozen=True, slots=True)
class DateTimeOrder(Order):
    """By a date and time. Rows without one come first."""

    nullable: bool = False

    def position(self, row: Model) -> Position:
        return Position(row.pk, getattr(row, self.column))

    def has_key(self, key: Key) -> bool:
        return self.nullable if key is None else isinstance(key, datetime)

    def _expression(self) -> Expression:
        return Chronological(self.column) if self.nullable else F(self.column)

    def _value(self, key: Key) -> Key:
        return NEVER if key is None else key


class Beyond(Q):
    """A comparison of rows, `(key, id) > (…, …)`, which one range of an index answers.

    The same condition with AND and OR would read all rows up to the position.
    """

    def __init__(self, expression: Expression, operator: str, key: Key, row_id: int) -> None:
        super().__init__()
        self._expression = expression
        self._operator = operator
        self._values: tuple[Any, int] = (key, row_id)

    def resolve(self, resolve_context: ResolveContext) -> QueryModifier:
        key = self._expression.resolve(resolve_context).term
        columns, values = Tuple(key, resolve_context.table.id), Tuple(*self._values)
        if self._operator == "gt":
            is_beyond, is_near = columns > values, key >= self._values[0]
        else:
            is_beyond, is_near = columns < values, key <= self._values[0]
        # On its own for SQLite, which uses no index of an expression to compare rows
        return QueryModifier(where_criterion=is_near & is_beyond)


BY_ID = Order()


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
    """total: the number of rows of the list, where the page is the whole list."""

    rows: Sequence[R]
    order: Order
    has_next: bool
    has_previous: bool
    total: int | None


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
    return cut(await with_custom_plan(query.limit(arguments.size + 1)), arguments)


def cut(rows: Sequence[R], arguments: PageArguments) -> Page[R]:
    """The page of rows that were read in its direction, up to one more than its size."""
    more = len(rows) > arguments.size
    after, before = arguments.after is not None, arguments.before is not None
    total = None if more or after or before else len(rows)
    rows, order = rows[: arguments.size], arguments.order
    if arguments.backwards:
        return Page(rows[::-1], order, has_next=before, has_previous=more, total=total)
    return Page(rows, order, has_next=more, has_previous=after, total=total)


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
