from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Generic, Self, TypeVar

import strawberry
from tortoise.models import Model

from resolvers.cursors import cursor
from resolvers.pages import MAXIMUM_PAGE, Page
from schema.enums import Direction
from schema.node import Node

N = TypeVar("N", bound=Node)
M = TypeVar("M", bound=Model)

First = Annotated[
    int | None,
    strawberry.argument(
        description=f"At most this many of the first items, up to {MAXIMUM_PAGE} (the default)."
    ),
]
After = Annotated[
    str | None, strawberry.argument(description="Only items that come after this cursor.")
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description=f"At most this many of the last items, up to {MAXIMUM_PAGE}; not with `first`."
    ),
]
Before = Annotated[
    str | None, strawberry.argument(description="Only items that come before this cursor.")
]
Search = Annotated[
    str | None,
    strawberry.argument(description="Only items with this text, in upper or lower case."),
]

Chronology = Annotated[
    Direction,
    strawberry.argument(description="The oldest first (ASC) or the newest first (DESC)."),
]


@strawberry.type(description="Where a page begins and ends in the whole list.")
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="True when items follow. With `last`: whether `before` was given."
    )
    has_previous_page: bool = strawberry.field(
        description="True when items precede. With `first`: whether `after` was given."
    )
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first item, for `before`; null when the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item, for `after`; null when the page is empty."
    )


@strawberry.type(description="One item of a connection.")
class Edge(Generic[N]):
    cursor: str = strawberry.field(description="Where the item stands: for `after` and `before`.")
    node: N = strawberry.field(description="The item.")


@strawberry.type(description="A page of a longer list.")
class Connection(Generic[N]):
    count: strawberry.Private[Callable[[], Awaitable[int]]]
    page_info: PageInfo = strawberry.field(description="Where the page begins and ends.")
    edges: list[Edge[N]] = strawberry.field(description="The items of the page.")

    @strawberry.field(description="How many items there are on all pages.")
    async def total_count(self) -> int:
        return await self.count()

    @classmethod
    def of(
        cls, page: Page[M], convert: Callable[[M], N], count: Callable[[], Awaitable[int]]
    ) -> Self:
        order = page.order
        edges = [
            Edge(cursor=cursor(order, order.position(row)), node=convert(row)) for row in page.rows
        ]
        return cls(
            count=count,
            edges=edges,
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
        )
