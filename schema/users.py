"""Mutations of users."""

from __future__ import annotations

from typing import Self

import strawberry

import models
from resolvers import users
from schema.context import Context, PortalInfo
from schema.enums import Permission
from schema.guard import guard
from schema.mutations import (
    ROW_AFTER_CHANGE,
    ROW_AFTER_DELETION,
    DeletionPayload,
    Input,
    Payload,
    VersionedRowInput,
    delete,
    input_values,
    update,
)
from schema.types import User


@strawberry.input(description="The input of `updateUser`. Absent fields remain unchanged.")
class UpdateUserInput:
    database_id: int = strawberry.field(description="The integer id of the requesting user.")
    primary_email: strawberry.Maybe[str | None] = strawberry.field(
        description="The new primary address, up to 254 characters; null removes it."
    )
    first_name: strawberry.Maybe[str | None] = strawberry.field(
        description="The new given name, 1 to 150 characters."
    )
    last_name: strawberry.Maybe[str | None] = strawberry.field(
        description="The new family name, 1 to 150 characters."
    )


@strawberry.type
class UserPayload(Payload):
    user: User | None = strawberry.field(default=None, description=f"The user{ROW_AFTER_CHANGE}")

    @classmethod
    async def of(cls, row: models.User, context: Context) -> Self:
        return cls(user=User.of(row))


@strawberry.type(description="The result of `updateUser`.")
class UpdateUserPayload(UserPayload):
    user: User | None = strawberry.field(
        default=None, description="The user after the mutation; null after a failure."
    )


@strawberry.mutation(
    description="Changes names or the primary address of the requesting user.",
    directives=guard(Permission.UPDATE_USER),
)
async def update_user(info: PortalInfo, input: Input[UpdateUserInput]) -> UpdateUserPayload:
    context = info.context
    row = await users.update_user(
        context.services, context.actor, input.database_id, input_values(input)
    )
    return await UpdateUserPayload.of(row, context)


USERNAME = "The unique name to sign in with, 1 to 150 characters. Case-insensitive."
FIRST_NAME = "The given name, up to 150 characters; may be empty."
LAST_NAME = "The family name, up to 150 characters; may be empty."
EMAIL = "The primary address, up to 254 characters; null for none."
EMAILS = "All alternative addresses, up to 20."
SUPERUSER = (
    "True makes the user an administrator regardless of groups. FORBIDDEN for personal access"
    " tokens."
)
COMMENTS = "Notes of administrators about the user, up to 1,000 characters; null for none."


@strawberry.input(description="The input of `createUser`.")
class CreateUserInput:
    username: str = strawberry.field(description=USERNAME)
    first_name: str = strawberry.field(default="", description=FIRST_NAME)
    last_name: str = strawberry.field(default="", description=LAST_NAME)
    primary_email: str | None = strawberry.field(default=None, description=EMAIL)
    alternative_emails: list[str] = strawberry.field(default_factory=list, description=EMAILS)
    is_superuser: bool = strawberry.field(default=False, description=SUPERUSER)
    is_active: bool = strawberry.field(
        default=True, description="False creates a closed account, which can't sign in."
    )
    comments: str | None = strawberry.field(default=None, description=COMMENTS)
    password: str | None = strawberry.field(
        default=None,
        description="The password: 8 to 128 characters that are hard to guess. Without one, the"
        " user can't sign in with a password.",
    )

    def values(self) -> dict[str, object]:
        values = dict(vars(self))
        del values["password"]
        return values


@strawberry.input(description="The input of `updateUserAsAdmin`. Absent fields remain unchanged.")
class UpdateUserAsAdminInput(VersionedRowInput):
    username: strawberry.Maybe[str | None] = strawberry.field(description=USERNAME)
    first_name: strawberry.Maybe[str | None] = strawberry.field(description=FIRST_NAME)
    last_name: strawberry.Maybe[str | None] = strawberry.field(description=LAST_NAME)
    primary_email: strawberry.Maybe[str | None] = strawberry.field(
        description=f"{EMAIL} If it is one of the alternative addresses, the two are exchanged,"
        " unless `alternativeEmails` is present as well."
    )
    alternative_emails: strawberry.Maybe[list[str] | None] = strawberry.field(description=EMAILS)
    is_superuser: strawberry.Maybe[bool | None] = strawberry.field(description=SUPERUSER)
    is_active: strawberry.Maybe[bool | None] = strawberry.field(
        description="False closes the account, true opens it again. Both end its sessions. Closing"
        " it ends its access to the cluster; opened again, the user has to request access again."
    )
    comments: strawberry.Maybe[str | None] = strawberry.field(description=COMMENTS)


@strawberry.input(description="The input of `deleteUser`.")
class DeleteUserInput(VersionedRowInput):
    pass


@strawberry.type(description="The result of `createUser`.")
class CreateUserPayload(UserPayload):
    pass


@strawberry.type(description="The result of `updateUserAsAdmin`.")
class UpdateUserAsAdminPayload(UserPayload):
    pass


@strawberry.type(description="The result of `deleteUser`.")
class DeleteUserPayload(UserPayload, DeletionPayload):
    user: User | None = strawberry.field(default=None, description=f"The user{ROW_AFTER_DELETION}")


@strawberry.mutation(
    description="Creates an account. For administrators.",
    directives=guard(Permission.MANAGE_USERS),
)
async def create_user(info: PortalInfo, input: Input[CreateUserInput]) -> CreateUserPayload:
    context = info.context
    row = await users.create_user(context.services, context.actor, input.values(), input.password)
    return await CreateUserPayload.of(row, context)


@strawberry.mutation(
    description="Changes an account. For administrators. Closing an account ends its sessions"
    " and personal access tokens. BAD_USER_INPUT if no administrator who can sign in would"
    " remain.",
    directives=guard(Permission.MANAGE_USERS),
)
async def update_user_as_admin(
    info: PortalInfo, input: Input[UpdateUserAsAdminInput]
) -> UpdateUserAsAdminPayload:
    row = await update(info.context, models.User, input)
    return await UpdateUserAsAdminPayload.of(row, info.context)


@strawberry.mutation(
    description="Deletes an account with its sessions, memberships and access requests. For"
    " administrators. The records of issued credentials remain, as do the service account and"
    " all other objects in the cluster. BAD_USER_INPUT if no administrator who can sign in would"
    " remain.",
    directives=guard(Permission.MANAGE_USERS),
)
async def delete_user(info: PortalInfo, input: Input[DeleteUserInput]) -> DeleteUserPayload:
    return DeleteUserPayload(deleted_id=await delete(info.context, models.User, input))
