"""How administrators narrow down lists and put them in order."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers import groups, users, webapps
from resolvers.orders import Order
from schema.enums import (
    AccessState,
    Direction,
    GroupMembership,
    GroupOrderField,
    UserOrderField,
    WebAppOrderField,
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
