from __future__ import annotations

from typing import Annotated

import strawberry

import models
from resolvers.management import users
from schema.context import PortalInfo
from schema.enums import Permission
from schema.errors import UserError
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
from schema.users import User

USERNAME = "The name to sign in with, 1 to 150 characters, unique in any case."
NAME = "up to 150 characters, may be empty."
EMAIL = "The primary address, up to 254 characters; null for none."
EMAILS = "All alternative addresses, up to 20."
COMMENTS = "What administrators note about the user, up to 1,000 characters; null for nothing."


@strawberry.input(description="A new account.")
class CreateUserInput:
    username: str = strawberry.field(description=USERNAME)
    first_name: str = strawberry.field(default="", description=f"The given name, {NAME}")
    last_name: str = strawberry.field(default="", description=f"The family name, {NAME}")
    primary_email: str | None = strawberry.field(default=None, description=EMAIL)
    alternative_emails: list[str] = strawberry.field(default_factory=list, description=EMAILS)
    is_superuser: bool = strawberry.field(
        default=False,
        description="True makes an administrator, whatever the groups; not with a personal access"
        " token.",
    )
    is_active: bool = strawberry.field(
        default=True, description="False makes an account that nobody can sign in with."
    )
    comments: str | None = strawberry.field(default=None, description=COMMENTS)
    password: str | None = strawberry.field(
        default=None,
        description="8 to 128 characters that are not easy to guess; without one, nobody can sign"
        " in with a password.",
    )

    def values(self) -> dict[str, object]:
        values = dict(vars(self))
        del values["password"]
        return values


@strawberry.input(description="Changes to any account: what is absent stays as it is.")
class UpdateUserAsAdminInput:
    database_id: int = strawberry.field(description=DATABASE_ID)
    version: int = strawberry.field(description=VERSION)
    username: strawberry.Maybe[str | None] = strawberry.field(description=USERNAME)
    first_name: strawberry.Maybe[str | None] = strawberry.field(
        description=f"The given name, {NAME}"
    )
    last_name: strawberry.Maybe[str | None] = strawberry.field(
        description=f"The family name, {NAME}"
    )
    primary_email: strawberry.Maybe[str | None] = strawberry.field(
        description=f"{EMAIL} An alternative changes places with it, unless those are given too."
    )
    alternative_emails: strawberry.Maybe[list[str] | None] = strawberry.field(description=EMAILS)
    is_superuser: strawberry.Maybe[bool | None] = strawberry.field(
        description="True makes an administrator, whatever the groups."
    )
    is_active: strawberry.Maybe[bool | None] = strawberry.field(
        description="False closes the account, true opens it again; both end its sessions."
    )
    comments: strawberry.Maybe[str | None] = strawberry.field(description=COMMENTS)


@strawberry.input(description="Which account to delete.")
class DeleteUserInput:
    database_id: int = strawberry.field(description=DATABASE_ID)
    version: int = strawberry.field(description=VERSION)


@strawberry.type(description="The outcome of making an account.")
class CreateUserPayload:
    user: User | None = strawberry.field(description="The new user; null when there is none.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type(description="The outcome of a change of an account.")
class UpdateUserAsAdminPayload:
    user: User | None = strawberry.field(description=f"The user{CURRENT}")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type(description="The outcome of deleting an account.")
class DeleteUserPayload:
    deleted_id: strawberry.ID | None = strawberry.field(
        description="The global id of what was deleted; null when nothing was."
    )
    user: User | None = strawberry.field(
        description="After CONFLICT, the user as it is now; else null."
    )
    errors: list[UserError] = strawberry.field(description=ERRORS)


Creation = Annotated[CreateUserInput, strawberry.argument(description="Whom to make.")]
Change = Annotated[
    UpdateUserAsAdminInput, strawberry.argument(description="Whom to change, and what.")
]
Deletion = Annotated[DeleteUserInput, strawberry.argument(description="Whom to delete.")]


@strawberry.mutation(
    description="Make an account, as an administrator.",
    directives=guard(Permission.MANAGE_USERS),
)
async def create_user(info: PortalInfo, input: Creation) -> CreateUserPayload:
    context = info.context
    action = users.create_user(context.services, context.actor, input.values(), input.password)
    row, errors = await outcome(action, models.User, context)
    return CreateUserPayload(user=User.of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="Change an account, as an administrator. Closing it ends its sessions at once. The"
    " last administrator who can sign in can't be closed or made an ordinary user.",
    directives=guard(Permission.MANAGE_USERS),
)
async def update_user_as_admin(info: PortalInfo, input: Change) -> UpdateUserAsAdminPayload:
    context = info.context
    action = users.update_user(
        context.services, context.actor, input.database_id, input.version, given(input)
    )
    row, errors = await outcome(action, models.User, context)
    return UpdateUserAsAdminPayload(user=User.of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="Delete an account, as an administrator, with its sessions, memberships and"
    " requests for access. The record of its credentials stays, and so do its service account"
    " and everything else in the cluster. The last administrator who can sign in can't be deleted.",
    directives=guard(Permission.MANAGE_USERS),
)
async def delete_user(info: PortalInfo, input: Deletion) -> DeleteUserPayload:
    context = info.context
    action = users.delete_user(context.services, context.actor, input.database_id, input.version)
    is_deleted, row, errors = await deletion(action, models.User, context)
    return DeleteUserPayload(
        deleted_id=global_id("User", input.database_id) if is_deleted else None,
        user=User.of(row) if row else None,
        errors=errors,
    )
