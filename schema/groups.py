"""Mutations of groups, their members and their web apps."""

from __future__ import annotations

from typing import Self

import strawberry

import models
from resolvers import groups
from schema.context import Context, PortalInfo
from schema.enums import GroupMembership, Permission
from schema.guard import guard
from schema.mutations import (
    ROW_AFTER_CHANGE,
    ROW_AFTER_DELETION,
    DeletionPayload,
    Input,
    Payload,
    VersionedRowInput,
    create,
    delete,
    update,
)
from schema.types import Group

NAME = "The unique name, 1 to 150 characters."
CAN_ADMIN = (
    "True makes the members administrators, which only a MANUAL group can do. FORBIDDEN for"
    " personal access tokens."
)
MEMBERSHIP = "How users become members. Members that were added manually count while it is MANUAL."


@strawberry.input(description="The input of `createGroup`.")
class CreateGroupInput:
    name: str = strawberry.field(description=NAME)
    can_admin: bool = strawberry.field(default=False, description=CAN_ADMIN)
    membership: GroupMembership = strawberry.field(
        default=GroupMembership.MANUAL, description=MEMBERSHIP
    )


@strawberry.input(description="The input of `updateGroup`. Absent fields remain unchanged.")
class UpdateGroupInput(VersionedRowInput):
    name: strawberry.Maybe[str | None] = strawberry.field(description=NAME)
    can_admin: strawberry.Maybe[bool | None] = strawberry.field(description=CAN_ADMIN)
    membership: strawberry.Maybe[GroupMembership | None] = strawberry.field(description=MEMBERSHIP)


@strawberry.input(description="The input of `deleteGroup`.")
class DeleteGroupInput(VersionedRowInput):
    pass


@strawberry.type
class GroupPayload(Payload):
    group: Group | None = strawberry.field(default=None, description=f"The group{ROW_AFTER_CHANGE}")

    @classmethod
    async def of(cls, row: models.Group, context: Context) -> Self:
        return cls(group=Group.of(row))


@strawberry.type(description="The result of `createGroup`.")
class CreateGroupPayload(GroupPayload):
    pass


@strawberry.type(description="The result of `updateGroup`.")
class UpdateGroupPayload(GroupPayload):
    pass


@strawberry.type(description="The result of `deleteGroup`.")
class DeleteGroupPayload(GroupPayload, DeletionPayload):
    group: Group | None = strawberry.field(
        default=None, description=f"The group{ROW_AFTER_DELETION}"
    )


@strawberry.mutation(
    description="Creates a group. For administrators.", directives=guard(Permission.MANAGE_GROUPS)
)
async def create_group(info: PortalInfo, input: Input[CreateGroupInput]) -> CreateGroupPayload:
    row = await create(info.context, models.Group(**vars(input)))
    return await CreateGroupPayload.of(row, info.context)


@strawberry.mutation(
    description="Changes a group. For administrators. BAD_USER_INPUT if no administrator who can"
    " sign in would remain.",
    directives=guard(Permission.MANAGE_GROUPS),
)
async def update_group(info: PortalInfo, input: Input[UpdateGroupInput]) -> UpdateGroupPayload:
    row = await update(info.context, models.Group, input)
    return await UpdateGroupPayload.of(row, info.context)


@strawberry.mutation(
    description="Deletes a group with its memberships and the grants of its web apps. For"
    " administrators. BAD_USER_INPUT if no administrator who can sign in would remain.",
    directives=guard(Permission.MANAGE_GROUPS),
)
async def delete_group(info: PortalInfo, input: Input[DeleteGroupInput]) -> DeleteGroupPayload:
    return DeleteGroupPayload(deleted_id=await delete(info.context, models.Group, input))


GROUP = "The integer id of the group."
MANUAL_GROUP = "The integer id of the group, whose `membership` is MANUAL."
USERS = "The integer ids of 1 to 100 users."
WEBAPPS = "The integer ids of 1 to 100 web apps."


@strawberry.input(description="The input of `addGroupMembers`.")
class AddGroupMembersInput:
    database_id: int = strawberry.field(description=MANUAL_GROUP)
    users: list[int] = strawberry.field(description=USERS)


@strawberry.input(description="The input of `removeGroupMembers`.")
class RemoveGroupMembersInput:
    database_id: int = strawberry.field(description=MANUAL_GROUP)
    users: list[int] = strawberry.field(description=USERS)


@strawberry.input(description="The input of `grantWebApps`.")
class GrantWebAppsInput:
    database_id: int = strawberry.field(description=GROUP)
    webapps: list[int] = strawberry.field(description=WEBAPPS)


@strawberry.input(description="The input of `withdrawWebApps`.")
class WithdrawWebAppsInput:
    database_id: int = strawberry.field(description=GROUP)
    webapps: list[int] = strawberry.field(description=WEBAPPS)


@strawberry.type(description="The result of `addGroupMembers`.")
class AddGroupMembersPayload(GroupPayload):
    pass


@strawberry.type(description="The result of `removeGroupMembers`.")
class RemoveGroupMembersPayload(GroupPayload):
    pass


@strawberry.type(description="The result of `grantWebApps`.")
class GrantWebAppsPayload(GroupPayload):
    pass


@strawberry.type(description="The result of `withdrawWebApps`.")
class WithdrawWebAppsPayload(GroupPayload):
    pass


@strawberry.mutation(
    description="Adds users to a MANUAL group. For administrators. Users that are members already"
    " are ignored. FORBIDDEN for personal access tokens if the members are administrators.",
    directives=guard(Permission.MANAGE_GROUPS),
)
async def add_group_members(
    info: PortalInfo, input: Input[AddGroupMembersInput]
) -> AddGroupMembersPayload:
    row = await groups.add_members(
        info.context.services, info.context.actor, input.database_id, input.users
    )
    return await AddGroupMembersPayload.of(row, info.context)


@strawberry.mutation(
    description="Removes users from a MANUAL group. For administrators. Users that are not members"
    " are ignored. BAD_USER_INPUT if no administrator who can sign in would remain.",
    directives=guard(Permission.MANAGE_GROUPS),
)
async def remove_group_members(
    info: PortalInfo, input: Input[RemoveGroupMembersInput]
) -> RemoveGroupMembersPayload:
    context = info.context
    row = await groups.remove_members(
        context.services, context.actor, input.database_id, input.users
    )
    return await RemoveGroupMembersPayload.of(row, context)


@strawberry.mutation(
    description="Grants web apps to the members of a group. For administrators. Web apps that are"
    " granted already are ignored.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def grant_web_apps(info: PortalInfo, input: Input[GrantWebAppsInput]) -> GrantWebAppsPayload:
    row = await groups.grant_webapps(
        info.context.services, info.context.actor, input.database_id, input.webapps
    )
    return await GrantWebAppsPayload.of(row, info.context)


@strawberry.mutation(
    description="Withdraws web apps from the members of a group. For administrators. Web apps that"
    " are not granted are ignored.",
    directives=guard(Permission.MANAGE_WEBAPPS),
)
async def withdraw_web_apps(
    info: PortalInfo, input: Input[WithdrawWebAppsInput]
) -> WithdrawWebAppsPayload:
    row = await groups.withdraw_webapps(
        info.context.services, info.context.actor, input.database_id, input.webapps
    )
    return await WithdrawWebAppsPayload.of(row, info.context)
