"""Keyset pagination: a page is a slice of rows in an order, however rows come and go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tortoise.models import Model
from tortoise.queryset import QuerySet

from resolvers.cursors import MAXIMUM_ID, parse_cursor
from resolvers.errors import BadUserInput, Complaint
from resolvers.orders import BY_ID, Order, Position

MAXIMUM_PAGE = 100
MAXIMUM_SEARCH = 200

R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True)
class PageArguments:
    """The slice asked for: the first or last `size` rows between two positions."""

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
        raise BadUserInput(Complaint("Give either `first` or `last`, not both.", "first"))
    field, size = ("last", last) if last is not None else ("first", first)
    size = MAXIMUM_PAGE if size is None else size
    if not 0 <= size <= MAXIMUM_PAGE:
        raise BadUserInput(Complaint(f"`{field}` is from 0 to {MAXIMUM_PAGE}.", field))
    return PageArguments(
        size=size,
        backwards=last is not None,
        after=_position("after", after, order),
        before=_position("before", before, order),
        order=order,
    )


async def page(query: QuerySet[R], arguments: PageArguments) -> Page[R]:
    order = arguments.order
    query = order.sorted(query, backwards=arguments.backwards)
    if arguments.after is not None:
        query = query.filter(order.beyond(arguments.after, forwards=True))
    if arguments.before is not None:
        query = query.filter(order.beyond(arguments.before, forwards=False))
    return cut(await query.limit(arguments.size + 1), arguments)


def cut(rows: Sequence[R], arguments: PageArguments) -> Page[R]:
    """A page of rows that were read in its direction, one more than its size if there is one."""
    more = len(rows) > arguments.size
    rows, order = rows[: arguments.size], arguments.order
    if arguments.backwards:
        return Page(rows[::-1], order, has_next=arguments.before is not None, has_previous=more)
    return Page(rows, order, has_next=more, has_previous=arguments.after is not None)


def check_search(text: str | None) -> None:
    """Raises BadUserInput for a text that nothing can contain."""
    if text and (len(text) > MAXIMUM_SEARCH or not _is_storable(text)):
        raise BadUserInput(
            Complaint(f"Search for at most {MAXIMUM_SEARCH} characters, without NUL.", "search")
        )


def row_id(text: str) -> int:
    """An id as the database can hold it. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAXIMUM_ID):
        raise ValueError(text)
    return int(text)


def _is_storable(text: str) -> bool:
    """Databases hold neither NUL nor halves of surrogate pairs."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _position(field: str, text: str | None, order: Order) -> Position | None:
    if text is None:
        return None
    try:
        return parse_cursor(order, text)
    except ValueError:
        raise BadUserInput(
            Complaint(f"`{field}` is not a cursor of this connection in this order.", field)
        ) from None
