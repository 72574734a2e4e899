from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from resolvers.pages import page_arguments
from schema.connections import After, Before, Connection, First, Last
from schema.context import PortalInfo
from schema.enums import GroupMembership, Permission
from schema.guard import guard
from schema.node import Node, global_id
from schema.users import User

if TYPE_CHECKING:
    from schema.webapps import WebApp


@strawberry.type(
    description="People who share rights: readable by members and administrators.",
    directives=guard(Permission.SEE_GROUP),
)
class Group(Node):
    row: strawberry.Private[models.Group]
    database_id: int = strawberry.field(description="The integer id, as in the paths of REST.")
    name: str = strawberry.field(description="The unique name, up to 150 characters.")
    can_admin: bool = strawberry.field(description="True when members administrate the portal.")
    membership: GroupMembership = strawberry.field(description="How the group gets its members.")
    version: int = strawberry.field(
        description="Counts the changes of `name`, `canAdmin` and `membership`: an administrator's"
        " change names the one that it is based on."
    )

    @classmethod
    def of(cls, row: models.Group) -> Group:
        return cls(
            row=row,
            id=global_id("Group", row.id),
            database_id=row.id,
            name=row.name,
            can_admin=row.can_admin,
            membership=row.membership,
            version=row.version,
        )

    @strawberry.field(
        description="The members that you may see: all for administrators, else only yourself."
    )
    async def members(
        self,
        info: PortalInfo,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[User]:
        loaders = info.context.loaders
        arguments = page_arguments(first, after, last, before)
        page = await loaders.members_of_group(arguments).load(self.row.id)
        return Connection[User].of(page, User.of, lambda: loaders.member_count.load(self.row.id))

    @strawberry.field(
        description="Web apps for the members: the shown ones, for administrators all."
    )
    async def webapps(
        self, info: PortalInfo
    ) -> list[Annotated[WebApp, strawberry.lazy("schema.webapps")]]:
        from schema.webapps import WebApp

        return await WebApp.filled_in(
            await info.context.loaders.webapps_of_group.load(self.row.id), info.context
        )
