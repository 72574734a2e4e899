from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from resolvers import groups
from resolvers.pages import page_arguments
from schema.context import PortalInfo
from schema.enums import GroupMembership, Permission
from schema.errors import CURRENT, DATABASE_ID, VERSION, deletion, given, outcome
from schema.guard import guard
from schema.mutations import Payload
from schema.relay import After, Before, Connection, First, Last, Node, global_id
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


NAME = "The unique name, 1 to 150 characters."
CAN_ADMIN = (
    "True makes the members administrators; for MANUAL groups only, and no change that personal"
    " access tokens make."
)
MEMBERSHIP = "How the group gets its members; who was put in by hand counts while it is MANUAL."


@strawberry.input(description="A new group.")
class CreateGroupInput:
    name: str = strawberry.field(description=NAME)
    can_admin: bool = strawberry.field(default=False, description=CAN_ADMIN)
    membership: GroupMembership = strawberry.field(
        default=GroupMembership.MANUAL, description=MEMBERSHIP
    )


@strawberry.input(description="Changes to a group: what is absent stays as it is.")
class UpdateGroupInput:
    database_id: int = strawberry.field(description=DATABASE_ID)
    version: int = strawberry.field(description=VERSION)
    name: strawberry.Maybe[str | None] = strawberry.field(description=NAME)
    can_admin: strawberry.Maybe[bool | None] = strawberry.field(description=CAN_ADMIN)
    membership: strawberry.Maybe[GroupMembership | None] = strawberry.field(description=MEMBERSHIP)


@strawberry.input(description="Which group to delete.")
class DeleteGroupInput:
    database_id: int = strawberry.field(description=DATABASE_ID)
    version: int = strawberry.field(description=VERSION)


@strawberry.type(description="The outcome of making a group.")
class CreateGroupPayload(Payload):
    group: Group | None = strawberry.field(
        default=None, description="The new group; null when there is none."
    )


@strawberry.type(description="The outcome of a change of a group.")
class UpdateGroupPayload(Payload):
    group: Group | None = strawberry.field(default=None, description=f"The group{CURRENT}")


@strawberry.type(description="The outcome of deleting a group.")
class DeleteGroupPayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The global id of what was deleted; null when nothing was."
    )
    group: Group | None = strawberry.field(
        default=None, description="After CONFLICT, the group as it is now; else null."
    )


Creation = Annotated[CreateGroupInput, strawberry.argument(description="Which group to make.")]
Change = Annotated[
    UpdateGroupInput, strawberry.argument(description="Which group to change, and what.")
]
Deletion = Annotated[DeleteGroupInput, strawberry.argument(description="Which group to delete.")]


@strawberry.mutation(
    description="Make a group, as an administrator.", directives=guard(Permission.MANAGE_GROUPS)
)
async def create_group(info: PortalInfo, input: Creation) -> CreateGroupPayload:
    action = groups.create_group(info.context.actor, vars(input))
    row, errors = await outcome(action, models.Group, info.context)
    return CreateGroupPayload(group=Group.of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="Change a group, as an administrator; not so that the last administrator who can"
    " sign in is none any more.",
    directives=guard(Permission.MANAGE_GROUPS),
)
async def update_group(info: PortalInfo, input: Change) -> UpdateGroupPayload:
    context = info.context
    action = groups.update_group(
        context.services, context.actor, input.database_id, input.version, given(input)
    )
    row, errors = await outcome(action, models.Group, context)
    return UpdateGroupPayload(group=Group.of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="Delete a group, as an administrator, with its memberships and grants; not so that"
    " the last administrator who can sign in is none any more.",
    directives=guard(Permission.MANAGE_GROUPS),
)
async def delete_group(info: PortalInfo, input: Deletion) -> DeleteGroupPayload:
    context = info.context
    action = groups.delete_group(context.services, context.actor, input.database_id, input.version)
    is_deleted, row, errors = await deletion(action, models.Group, context)
    return DeleteGroupPayload(
        deleted_id=global_id("Group", input.database_id) if is_deleted else None,
        group=Group.of(row) if row else None,
        errors=errors,
    )


GROUP = "The integer id of the group."
MANUAL_GROUP = "The integer id of the group, a MANUAL one."


@strawberry.input(description="Users to put into a group.")
class AddGroupMembersInput:
    database_id: int = strawberry.field(description=MANUAL_GROUP)
    users: list[int] = strawberry.field(description="The integer ids of 1 to 100 users.")


@strawberry.input(description="Users to take out of a group.")
class RemoveGroupMembersInput:
    database_id: int = strawberry.field(description=MANUAL_GROUP)
    users: list[int] = strawberry.field(description="The integer ids of 1 to 100 users.")


@strawberry.input(description="Web apps to give to a group.")
class GrantWebAppsInput:
    database_id: int = strawberry.field(description=GROUP)
    webapps: list[int] = strawberry.field(description="The integer ids of 1 to 100 web apps.")


@strawberry.input(description="Web apps to take away from a group.")
class WithdrawWebAppsInput:
    database_id: int = strawberry.field(description=GROUP)
    webapps: list[int] = strawberry.field(description="The integer ids of 1 to 100 web apps.")


@strawberry.type
class Outcome(Payload):
    group: Group | None = strawberry.field(
        default=None, description="The group as it is now; null when nothing was done."
    )


@strawberry.type(description="The outcome of putting users into a group.")
class AddGroupMembersPayload(Outcome):
    pass


@strawberry.type(description="The outcome of taking users out of a group.")
class RemoveGroupMembersPayload(Outcome):
    pass


@strawberry.type(description="The outcome of giving web apps to a group.")
class GrantWebAppsPayload(Outcome):
    pass


@strawberry.type(description="The outcome of taking web apps away from a group.")
class WithdrawWebAppsPayload(Outcome):
    pass


Addition = Annotated[
    AddGroupMembersInput, strawberry.argument(description="Whom to put into which group.")
]
Removal = Annotated[
    RemoveGroupMembersInput, strawberry.argument(description="Whom to take out of which group.")
]
Granting = Annotated[
    GrantWebAppsInput, strawberry.argument(description="What to give to which group.")
]
Withdrawal = Annotated[
    WithdrawWebAppsInput, strawberry.argument(description="What to take away from which group.")
]


@strawberry.mutation(
    description="Put users into a MANUAL group, as an administrator. Who is in already stays in."
    " Personal access tokens put nobody into a group of administrators.",
    directives=guard(Permission.MANAGE_GROUPS),
)
async def add_group_members(info: PortalInfo, input: Addition) -> AddGroupMembersPayload:
    action = groups.add_members(info.context.actor, input.database_id, input.users)
    row, errors = await outcome(action, models.Group, info.context)
    return AddGroupMembersPayload(group=Group.of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="Take users out of a MANUAL group, as an administrator; not the last administrator"
    " who can sign in. Who is not in does not matter.",
    directives=guard(Permission.MANAGE_GROUPS),
)
async def remove_group_members(info: PortalInfo, input: Removal) -> RemoveGroupMembersPayload:
    context = info.context
    action = groups.remove_members(context.services, context.actor, input.database_id, input.users)
    row, errors = await outcome(action, models.Group, context)
    return RemoveGroupMembersPayload(group=Group.of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="Give web apps to the members of a group, as an administrator. What the group has"
    " already stays.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def grant_web_apps(info: PortalInfo, input: Granting) -> GrantWebAppsPayload:
    action = groups.grant_webapps(info.context.actor, input.database_id, input.webapps)
    row, errors = await outcome(action, models.Group, info.context)
    return GrantWebAppsPayload(group=Group.of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="Take web apps away from the members of a group, as an administrator. What the"
    " group does not have does not matter.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def withdraw_web_apps(info: PortalInfo, input: Withdrawal) -> WithdrawWebAppsPayload:
    action = groups.withdraw_webapps(info.context.actor, input.database_id, input.webapps)
    row, errors = await outcome(action, models.Group, info.context)
    return WithdrawWebAppsPayload(group=Group.of(row) if row else None, errors=errors)
