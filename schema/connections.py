from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Generic, Self, TypeVar

import strawberry
from strawberry.relay import PageInfo
from tortoise.models import Model

from resolvers.pages import MAXIMUM_PAGE, Page, cursor
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
    str | None, strawberry.argument(description="Only items with this text, in any case.")
]


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
        edges = [Edge(cursor=cursor(row.pk), node=convert(row)) for row in page.rows]
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
