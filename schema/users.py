from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from resolvers import users
from resolvers.errors import PortalError
from resolvers.users import Given, UserChanges
from schema import access, audit, credentials, open_sessions, personal_tokens
from schema.clusters import ServiceAccount
from schema.context import PortalInfo
from schema.enums import Permission
from schema.errors import UserError, user_errors
from schema.guard import guard
from schema.node import Node, global_id

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
    async def comments(self, info: PortalInfo) -> str | None:
        await info.context.actor.require_admin()
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

    sessions = open_sessions.sessions
    personal_access_tokens = personal_tokens.personal_access_tokens
    access_state = access.access_state
    access_request = access.access_request
    kubeconfig = credentials.kubeconfig
    exec_credential = credentials.exec_credential
    credential_issues = credentials.credential_issues
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
class UpdateUserPayload:
    user: User | None = strawberry.field(
        description="The user after the change; null when nothing was changed."
    )
    errors: list[UserError] = strawberry.field(description="Empty when the change was made.")


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
