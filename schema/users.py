from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from resolvers import users
from resolvers.errors import PortalError
from resolvers.users import Given, UserChanges
from schema import access, audit, clusters, sessions
from schema.clusters import ServiceAccount
from schema.context import PortalInfo
from schema.enums import Permission
from schema.errors import (
    CURRENT,
    DATABASE_ID,
    VERSION,
    deletion,
    given,
    outcome,
    user_errors,
)
from schema.guard import guard
from schema.mutations import Payload
from schema.relay import Node, global_id

if TYPE_CHECKING:
    from schema.groups import Group
    from schema.webapps import WebApp


@strawberry.type(
    description="An account of the portal: readable by its owner and administrators.",
    directives=guard(Permission.SEE_USER),
)
class User(Node):
    row: strawberry.Private[models.User]
    database_id: int = strawberry.field(description="The integer id, as in the paths of REST.")
    username: str = strawberry.field(
        description="The unique name to sign in with, in any case; up to 150 characters."
    )
    first_name: str = strawberry.field(description="The given name, may be empty.")
    last_name: str = strawberry.field(description="The family name, may be empty.")
    primary_email: str | None = strawberry.field(
        description="Where mail goes; null when there is no address. No proof of identity."
    )
    all_emails: list[str] = strawberry.field(
        description="All known addresses, the primary one first, then the alternatives."
    )
    alternative_emails: list[str] = strawberry.field(
        description="Other addresses of the user; the primary one may be among them."
    )
    is_superuser: bool = strawberry.field(
        description="True for an administrator by name, whatever the groups."
    )
    is_active: bool = strawberry.field(
        description="False when an administrator closed the account."
    )
    created_at: datetime = strawberry.field(description="When the account was made.")
    last_login_at: datetime | None = strawberry.field(
        description="The last sign-in; null before the first one."
    )
    version: int = strawberry.field(
        description="Counts the changes of names, addresses, `isSuperuser`, `isActive` and"
        " `comments`: an administrator's change names the one that it is based on."
    )
    access_expires_at: datetime | None = strawberry.field(
        description="When access to the cluster ends by itself: at that moment, also for automatic"
        " groups and new tokens. Tokens are made to end with it, at most ten minutes later; where"
        " the cluster knows only tokens without an end, those live on. Null when it does not."
    )

    @classmethod
    def of(cls, row: models.User) -> User:
        return cls(
            row=row,
            id=global_id("User", row.id),
            database_id=row.id,
            username=row.username,
            first_name=row.first_name,
            last_name=row.last_name,
            primary_email=row.primary_email,
            all_emails=row.all_emails,
            alternative_emails=row.alternative_emails,
            is_superuser=row.is_superuser,
            is_active=row.is_active,
            created_at=row.created_at,
            last_login_at=row.last_login_at,
            version=row.version,
            access_expires_at=row.access_expires_at,
        )

    @strawberry.field(
        description="True for superusers and for members of a group whose `canAdmin` is true."
    )
    async def is_admin(self, info: PortalInfo) -> bool:
        return await info.context.loaders.is_admin(self.row)

    @strawberry.field(
        description="What administrators note about the user; null for nothing. For administrators"
        " only.",
        directives=guard(Permission.ADMINISTRATE),
    )
    def comments(self) -> str | None:
        return self.row.comments

    @strawberry.field(description="The groups that the user is in, by hand or by rule.")
    async def groups(
        self, info: PortalInfo
    ) -> list[Annotated[Group, strawberry.lazy("schema.groups")]]:
        from schema.groups import Group

        return [
            Group.of(row) for row in await info.context.loaders.groups_of_user.load(self.row.id)
        ]

    @strawberry.field(description="The shown web apps of the user's groups.")
    async def webapps(
        self, info: PortalInfo
    ) -> list[Annotated[WebApp, strawberry.lazy("schema.webapps")]]:
        from schema.webapps import WebApp

        return await WebApp.filled_in(
            await info.context.loaders.webapps_of_user.load(self.row.id), info.context
        )

    @strawberry.field(
        description="The user's service account in the cluster; null without approved access."
    )
    async def service_account(self, info: PortalInfo) -> ServiceAccount | None:
        has_access = self.row.has_access_at(info.context.services.clock())
        if not (has_access and self.row.service_account_id):
            return None
        account = await info.context.loaders.service_account.load(self.row.service_account_id)
        return ServiceAccount.of(account, self.row, info.context) if account else None

    personal_access_tokens = sessions.personal_access_tokens
    sessions = sessions.sessions
    access_state = access.access_state
    access_request = access.access_request
    kubeconfig = clusters.kubeconfig
    exec_credential = clusters.exec_credential
    credential_issues = clusters.credential_issues
    audit_events = audit.audit_events


@strawberry.input(description="Changes to one's own account: what is absent stays as it is.")
class UpdateUserInput:
    database_id: int = strawberry.field(description="The user to change: oneself.")
    primary_email: strawberry.Maybe[str | None] = strawberry.field(
        description="The new primary address, up to 254 characters; null removes it."
    )
    first_name: strawberry.Maybe[str | None] = strawberry.field(
        description="The new given name, 1 to 150 characters."
    )
    last_name: strawberry.Maybe[str | None] = strawberry.field(
        description="The new family name, 1 to 150 characters."
    )

    def changes(self) -> UserChanges:
        return UserChanges(
            primary_email=_given(self.primary_email),
            first_name=_given(self.first_name),
            last_name=_given(self.last_name),
        )


def _given(field: strawberry.Maybe[str | None]) -> Given | None:
    return Given(field.value) if field else None


@strawberry.type(description="The outcome of a change.")
class UpdateUserPayload(Payload):
    user: User | None = strawberry.field(
        default=None, description="The user after the change; null when nothing was changed."
    )


UpdateUserArgument = Annotated[
    UpdateUserInput, strawberry.argument(description="Whom to change, and what.")
]


@strawberry.mutation(
    description="Change one's own names or primary address.",
    directives=guard(Permission.UPDATE_USER),
)
async def update_user(info: PortalInfo, input: UpdateUserArgument) -> UpdateUserPayload:
    try:
        changed = await users.update_user(info.context.actor, input.database_id, input.changes())
    except PortalError as error:
        return UpdateUserPayload(user=None, errors=user_errors(error))
    return UpdateUserPayload(user=User.of(changed), errors=[])


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
class CreateUserPayload(Payload):
    user: User | None = strawberry.field(
        default=None, description="The new user; null when there is none."
    )


@strawberry.type(description="The outcome of a change of an account.")
class UpdateUserAsAdminPayload(Payload):
    user: User | None = strawberry.field(default=None, description=f"The user{CURRENT}")


@strawberry.type(description="The outcome of deleting an account.")
class DeleteUserPayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The global id of what was deleted; null when nothing was."
    )
    user: User | None = strawberry.field(
        default=None, description="After CONFLICT, the user as it is now; else null."
    )


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
    action = users.change_user(
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
