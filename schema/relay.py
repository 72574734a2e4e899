"""How administrators narrow down lists and put them in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Generic, Self, TypeVar
from uuid import UUID

import strawberry
from strawberry.relay.utils import from_base64, to_base64
from tortoise.models import Model

import models
from resolvers import groups, users, webapps
from resolvers.errors import BadUserInput, Complaint
from resolvers.pages import MAXIMUM_PAGE, Order, Page, cursor, row_id
from schema.enums import (
    AccessState,
    Direction,
    GroupMembership,
    GroupOrderField,
    UserOrderField,
    WebAppOrderField,
)

if TYPE_CHECKING:
    from schema.users import User

# `User` has fields of other nouns, whose payloads have users: Strawberry resolves it when the
# schema is built
LazyUser = Annotated["User", strawberry.lazy("schema.users")]


def user_of(row: models.User) -> User:
    from schema.users import User

    return User.of(row)


DatabaseId = Annotated[
    int, strawberry.argument(description="The integer id, as in the paths of REST.")
]
ClusterName = Annotated[
    str | None,
    strawberry.argument(description="The cluster's name; without one, the default cluster."),
]
NO_ID = "This is no such global id: take it from the `id` of an object."


@strawberry.interface(description="Anything that can be fetched again by its global id.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="A global id: opaque, unique across types, the same for ever."
    )


def global_id(type_name: str, key: int | UUID) -> strawberry.ID:
    return strawberry.ID(to_base64(type_name, str(key)))


def parse_global_id(global_id: str) -> tuple[str, int]:
    """The type's name and the database id. Raises BadUserInput."""
    try:
        type_name, database_id = from_base64(global_id)
        return type_name, row_id(database_id)
    except ValueError:
        raise BadUserInput(Complaint(NO_ID, "id")) from None


def parse_unique_id(global_id: str, type_name: str) -> UUID:
    """The key of an object of that type whose keys are UUIDs. Raises BadUserInput."""
    try:
        given_type, key = from_base64(global_id)
        if given_type == type_name:
            return UUID(key)
    except ValueError:
        pass
    raise BadUserInput(Complaint(NO_ID, "id"))


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


DIRECTION = "From A to Z (ASC), or from Z to A (DESC)."


@strawberry.input(description="Which users to look for: all that is given has to hold.")
class UserFilter:
    is_active: bool | None = strawberry.field(
        default=None, description="Open accounts (true) or closed ones (false)."
    )
    is_admin: bool | None = strawberry.field(
        default=None, description="Administrators (true) or all others (false)."
    )
    access_state: AccessState | None = strawberry.field(
        default=None, description="Those whose access is in this state as of now."
    )
    group: int | None = strawberry.field(
        default=None, description="The members of the group with this database id."
    )

    def wanted(self) -> users.UserFilter:
        return users.UserFilter(
            is_active=self.is_active,
            is_admin=self.is_admin,
            access_state=self.access_state,
            group_id=self.group,
        )


@strawberry.input(description="The order of users.")
class UserOrder:
    field: UserOrderField = strawberry.field(
        default=UserOrderField.ID, description="What they are put in order by."
    )
    direction: Direction = strawberry.field(default=Direction.ASC, description=DIRECTION)

    def order(self) -> Order:
        order: Order = self.field.value
        return order.directed(self.direction)


@strawberry.input(description="Which groups to look for: all that is given has to hold.")
class GroupFilter:
    can_admin: bool | None = strawberry.field(
        default=None, description="Groups whose members administrate the portal, or others."
    )
    membership: GroupMembership | None = strawberry.field(
        default=None, description="Groups that get their members in this way."
    )

    def wanted(self) -> groups.GroupFilter:
        return groups.GroupFilter(can_admin=self.can_admin, membership=self.membership)


@strawberry.input(description="The order of groups.")
class GroupOrder:
    field: GroupOrderField = strawberry.field(
        default=GroupOrderField.ID, description="What they are put in order by."
    )
    direction: Direction = strawberry.field(default=Direction.ASC, description=DIRECTION)

    def order(self) -> Order:
        order: Order = self.field.value
        return order.directed(self.direction)


@strawberry.input(description="Which web apps to look for: all that is given has to hold.")
class WebAppFilter:
    link_show: bool | None = strawberry.field(
        default=None, description="Those whose link is shown (true) or hidden (false)."
    )
    group: int | None = strawberry.field(
        default=None, description="Those of the group with this database id."
    )

    def wanted(self) -> webapps.WebAppFilter:
        return webapps.WebAppFilter(link_show=self.link_show, group_id=self.group)


@strawberry.input(description="The order of web apps.")
class WebAppOrder:
    field: WebAppOrderField = strawberry.field(
        default=WebAppOrderField.ID, description="What they are put in order by."
    )
    direction: Direction = strawberry.field(default=Direction.ASC, description=DIRECTION)

    def order(self) -> Order:
        order: Order = self.field.value
        return order.directed(self.direction)


UserFilterArgument = Annotated[
    UserFilter | None, strawberry.argument(description="Which users; without one, all.")
]
UserOrderArgument = Annotated[
    UserOrder | None, strawberry.argument(description="Their order; without one, by id.")
]
GroupFilterArgument = Annotated[
    GroupFilter | None, strawberry.argument(description="Which groups; without one, all.")
]
GroupOrderArgument = Annotated[
    GroupOrder | None, strawberry.argument(description="Their order; without one, by id.")
]
WebAppFilterArgument = Annotated[
    WebAppFilter | None, strawberry.argument(description="Which web apps; without one, all.")
]
WebAppOrderArgument = Annotated[
    WebAppOrder | None, strawberry.argument(description="Their order; without one, by id.")
]
