"""Keyset pagination: a page is a slice of rows in the order of their ids."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tortoise.models import Model
from tortoise.queryset import QuerySet

from resolvers.errors import BadUserInput, Complaint

MAXIMUM_PAGE = 100
MAXIMUM_SEARCH = 200
MAXIMUM_ID = 2**31 - 1
CURSOR_PREFIX = b"id:"


R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True)
class PageArguments:
    """The slice asked for: the first or last `size` rows between two ids."""

    size: int = MAXIMUM_PAGE
    backwards: bool = False
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    rows: Sequence[R]
    has_next: bool
    has_previous: bool


def page_arguments(
    first: int | None, after: str | None, last: int | None, before: str | None
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
        after=_position("after", after),
        before=_position("before", before),
    )


async def page(query: QuerySet[R], arguments: PageArguments) -> Page[R]:
    if arguments.after is not None:
        query = query.filter(id__gt=arguments.after)
    if arguments.before is not None:
        query = query.filter(id__lt=arguments.before)
    order = "-id" if arguments.backwards else "id"
    return cut(await query.order_by(order).limit(arguments.size + 1), arguments)


def cut(rows: Sequence[R], arguments: PageArguments) -> Page[R]:
    """A page of rows that were read in its direction, one more than its size if there is one."""
    more = len(rows) > arguments.size
    rows = rows[: arguments.size]
    if arguments.backwards:
        return Page(rows[::-1], has_next=arguments.before is not None, has_previous=more)
    return Page(rows, has_next=more, has_previous=arguments.after is not None)


def cursor(row_id: int) -> str:
    return urlsafe_b64encode(CURSOR_PREFIX + str(row_id).encode()).decode()


def check_search(text: str | None) -> None:
    """Raises BadUserInput for a text that nothing can contain."""
    if text and (len(text) > MAXIMUM_SEARCH or "\0" in text):
        raise BadUserInput(
            Complaint(f"Search for at most {MAXIMUM_SEARCH} characters, without NUL.", "search")
        )


def row_id(text: str) -> int:
    """An id as the database can hold it. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAXIMUM_ID):
        raise ValueError(text)
    return int(text)


def _position(field: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        decoded = urlsafe_b64decode(text.encode())
        if decoded.startswith(CURSOR_PREFIX):
            return row_id(decoded.removeprefix(CURSOR_PREFIX).decode())
    except (ValueError, Base64Error):
        pass
    raise BadUserInput(Complaint(f"`{field}` is not a cursor of this connection.", field))
