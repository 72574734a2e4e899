from __future__ import annotations

from typing import Annotated

import strawberry

import models
from resolvers.management import links
from schema.context import PortalInfo
from schema.enums import Permission
from schema.errors import UserError
from schema.groups import Group
from schema.guard import guard
from schema.management.outcomes import ERRORS, outcome

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
class Outcome:
    group: Group | None = strawberry.field(
        description="The group as it is now; null when nothing was done."
    )
    errors: list[UserError] = strawberry.field(description=ERRORS)


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
    action = links.add_members(info.context.actor, input.database_id, input.users)
    row, errors = await outcome(action, models.Group, info.context)
    return AddGroupMembersPayload(group=Group.of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="Take users out of a MANUAL group, as an administrator; not the last administrator"
    " who can sign in. Who is not in does not matter.",
    directives=guard(Permission.MANAGE_GROUPS),
)
async def remove_group_members(info: PortalInfo, input: Removal) -> RemoveGroupMembersPayload:
    context = info.context
    action = links.remove_members(context.services, context.actor, input.database_id, input.users)
    row, errors = await outcome(action, models.Group, context)
    return RemoveGroupMembersPayload(group=Group.of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="Give web apps to the members of a group, as an administrator. What the group has"
    " already stays.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def grant_web_apps(info: PortalInfo, input: Granting) -> GrantWebAppsPayload:
    action = links.grant_webapps(info.context.actor, input.database_id, input.webapps)
    row, errors = await outcome(action, models.Group, info.context)
    return GrantWebAppsPayload(group=Group.of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="Take web apps away from the members of a group, as an administrator. What the"
    " group does not have does not matter.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def withdraw_web_apps(info: PortalInfo, input: Withdrawal) -> WithdrawWebAppsPayload:
    action = links.withdraw_webapps(info.context.actor, input.database_id, input.webapps)
    row, errors = await outcome(action, models.Group, info.context)
    return WithdrawWebAppsPayload(group=Group.of(row) if row else None, errors=errors)
