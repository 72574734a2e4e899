from __future__ import annotations

from typing import Annotated

import strawberry

import models
from resolvers.management import groups
from schema.context import PortalInfo
from schema.enums import GroupMembership, Permission
from schema.errors import UserError
from schema.groups import Group
from schema.guard import guard
from schema.management.outcomes import (
    CURRENT,
    DATABASE_ID,
    ERRORS,
    VERSION,
    deletion,
    given,
    outcome,
)
from schema.node import global_id

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
class CreateGroupPayload:
    group: Group | None = strawberry.field(description="The new group; null when there is none.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type(description="The outcome of a change of a group.")
class UpdateGroupPayload:
    group: Group | None = strawberry.field(description=f"The group{CURRENT}")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type(description="The outcome of deleting a group.")
class DeleteGroupPayload:
    deleted_id: strawberry.ID | None = strawberry.field(
        description="The global id of what was deleted; null when nothing was."
    )
    group: Group | None = strawberry.field(
        description="After CONFLICT, the group as it is now; else null."
    )
    errors: list[UserError] = strawberry.field(description=ERRORS)


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
