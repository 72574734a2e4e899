"""Relay's global ids and connections, and the arguments that many fields take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Generic, Self, TypeVar
from uuid import UUID

import strawberry
from strawberry.relay.utils import from_base64, to_base64
from tortoise.models import Model
from tortoise.queryset import QuerySet

import models
from models.lists import EXACT_COUNT, count
from resolvers.errors import BadUserInput, FieldError
from resolvers.pages import MAXIMUM_PAGE, Page, PageArguments, cursor, page, row_id
from schema.enums import Direction

if TYPE_CHECKING:
    from schema.types import User

# `User` has fields of other types, some of which refer to a user: Strawberry resolves the
# reference when it builds the schema
LazyUser = Annotated["User", strawberry.lazy("schema.types")]


def user_of(row: models.User) -> User:
    from schema.types import User

    return User.of(row)


REST_ID = "The integer id, as in the paths of the REST API."
INVALID_ID = "This is not a valid global id: take it from the `id` of an object."
N = TypeVar("N", bound="Node")
M = TypeVar("M", bound=Model)

DatabaseId = Annotated[int, strawberry.argument(description=REST_ID)]
ClusterName = Annotated[
    str | None,
    strawberry.argument(description="The name of the cluster; by default, the default cluster."),
]
First = Annotated[
    int | None,
    strawberry.argument(
        description=f"Maximum number of items from the start, up to {MAXIMUM_PAGE} (the default)."
    ),
]
After = Annotated[str | None, strawberry.argument(description="Only items after this cursor.")]
Last = Annotated[
    int | None,
    strawberry.argument(
        description=f"Maximum number of items from the end, up to {MAXIMUM_PAGE}. Not together with"
        " `first`."
    ),
]
Before = Annotated[str | None, strawberry.argument(description="Only items before this cursor.")]
Search = Annotated[
    str | None,
    strawberry.argument(description="Only items that contain this text. Case-insensitive."),
]
Chronology = Annotated[
    Direction,
    strawberry.argument(description="Oldest items first (ASC), or newest items first (DESC)."),
]


@strawberry.interface(description="An object with a global id.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="The global id: opaque, permanent, and unique across types."
    )


def global_id(type_name: str, key: int | UUID) -> strawberry.ID:
    return strawberry.ID(to_base64(type_name, str(key)))


def parse_global_id(global_id: str) -> tuple[str, int]:
    """The name of the type and the database id. Raises BadUserInput."""
    try:
        type_name, database_id = from_base64(global_id)
        return type_name, row_id(database_id)
    except ValueError:
        raise BadUserInput(FieldError(INVALID_ID, ("id",))) from None


def parse_unique_id(global_id: str, expected_type: str) -> UUID:
    """The key of an object of a type whose keys are UUIDs. Raises BadUserInput."""
    try:
        type_name, key = from_base64(global_id)
        if type_name == expected_type:
            return UUID(key)
    except ValueError:
        pass
    raise BadUserInput(FieldError(INVALID_ID, ("id",)))


@strawberry.type(description="The position of a page in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="Whether items follow. With `last`, true if `before` is present."
    )
    has_previous_page: bool = strawberry.field(
        description="Whether items precede. With `first`, true if `after` is present."
    )
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first item, for `before`; null when the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item, for `after`; null when the page is empty."
    )


@strawberry.type(description="An item of a connection.")
class Edge(Generic[N]):
    cursor: str = strawberry.field(
        description="The position of the item, for `after` and `before`."
    )
    node: N = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[N]):
    known_total: strawberry.Private[int | None]
    count: strawberry.Private[Callable[[], Awaitable[int]]]
    page_info: PageInfo = strawberry.field(description="The position of the page in the list.")
    edges: list[Edge[N]] = strawberry.field(description="The items of the page.")

    @strawberry.field(
        description=f"Number of items on all pages. Beyond {EXACT_COUNT:,} it may be an estimate."
    )
    async def total_count(self) -> int:
        return await self.count() if self.known_total is None else self.known_total

    @classmethod
    def of(
        cls, page: Page[M], convert: Callable[[M], N], count: Callable[[], Awaitable[int]]
    ) -> Self:
        order = page.order
        edges = [
            Edge(cursor=cursor(order, order.position(row)), node=convert(row)) for row in page.rows
        ]
        return cls(
            known_total=page.total,
            count=count,
            edges=edges,
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
        )

    @classmethod
    async def read(
        cls, query: QuerySet[M], arguments: PageArguments, convert: Callable[[M], N]
    ) -> Self:
        return cls.of(await page(query, arguments), convert, lambda: count(query))
