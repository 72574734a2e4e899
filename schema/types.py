"""Users, groups and web apps, which refer to each other."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry
from graphql.pyutils import AwaitableOrValue

import models
from resolvers.pages import page_arguments
from resolvers.rules import fill_in
from schema import access, audit, clusters, sessions
from schema.clusters import ServiceAccount
from schema.context import Context, PortalInfo
from schema.enums import GroupMembership, Permission, WebAppCategory
from schema.guard import guard
from schema.relay import (
    REST_ID,
    After,
    Before,
    Connection,
    First,
    Last,
    Node,
    global_id,
)


@strawberry.type(
    description="An account of the portal. Readable by the user and by administrators.",
    directives=guard(Permission.SEE_USER),
)
class User(Node):
    row: strawberry.Private[models.User]
    database_id: int = strawberry.field(description=REST_ID)
    username: str = strawberry.field(
        description="The unique name to sign in with, up to 150 characters. Case-insensitive."
    )
    first_name: str = strawberry.field(description="The given name; may be empty.")
    last_name: str = strawberry.field(description="The family name; may be empty.")
    primary_email: str | None = strawberry.field(
        description="The address for mail; null when there is none. It does not prove an identity."
    )
    all_emails: list[str] = strawberry.field(
        description="All addresses: the primary one first, then the alternative ones."
    )
    alternative_emails: list[str] = strawberry.field(
        description="The alternative addresses. The primary address may be among them."
    )
    is_superuser: bool = strawberry.field(
        description="Whether the user is an administrator regardless of groups."
    )
    is_active: bool = strawberry.field(
        description="Whether the user may sign in. False after an administrator closed the account."
    )
    created_at: datetime = strawberry.field(description="Creation time of the account.")
    last_login_at: datetime | None = strawberry.field(
        description="Time of the last sign-in; null before the first one."
    )
    version: int = strawberry.field(
        description="Incremented when names, addresses, `isSuperuser`, `isActive` or `comments`"
        " change. Administrators send it with a change (optimistic locking)."
    )
    access_expires_at: datetime | None = strawberry.field(
        description="Expiry time of the access to the cluster; null when it does not expire."
        " Memberships of automatic groups and new tokens end at that time. Issued tokens expire"
        " at most ten minutes later, except in clusters whose tokens do not expire."
    )

    personal_access_tokens = sessions.personal_access_tokens
    sessions = sessions.sessions
    access_state = access.access_state
    access_request = access.access_request
    kubeconfig = clusters.kubeconfig
    exec_credential = clusters.exec_credential
    credential_issues = clusters.credential_issues
    audit_events = audit.audit_events

    @classmethod
    def of(cls, row: models.User) -> Self:
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
        description="Whether the user is an administrator: a superuser, or a member of a group"
        " whose `canAdmin` is true.",
        graphql_type=bool,
    )
    def is_admin(self, info: PortalInfo) -> AwaitableOrValue[bool]:
        context = info.context
        if self._is_caller(context):
            return context.actor.administrates
        return context.loaders.is_admin.load(self.row.id)

    @strawberry.field(
        description="Notes of administrators about the user; null when there are none. Readable by"
        " administrators only.",
        directives=guard(Permission.ADMINISTRATE),
    )
    def comments(self) -> str | None:
        return self.row.comments

    @strawberry.field(description="The groups of the user, automatic ones included.")
    async def groups(self, info: PortalInfo) -> list[Group]:
        rows = await info.context.loaders.groups_of_user.load(self.row.id)
        return [Group.of(row) for row in rows]

    @strawberry.field(description="The web apps of the user's groups whose `linkShow` is true.")
    async def webapps(self, info: PortalInfo) -> list[WebApp]:
        rows = await info.context.loaders.webapps_of_user.load(self.row.id)
        return [WebApp.of(row, info.context) for row in rows]

    @strawberry.field(
        description="The user's service account in the cluster; null without approved access.",
        graphql_type=ServiceAccount | None,
    )
    def service_account(self, info: PortalInfo) -> AwaitableOrValue[ServiceAccount | None]:
        context = info.context
        if not self.row.has_access_at(context.services.clock()):
            return None
        if self._is_caller(context):
            return ServiceAccount.of_user(context.actor.service_account, self.row, context)
        return self._load_service_account(context)

    async def _load_service_account(self, context: Context) -> ServiceAccount | None:
        account = await context.loaders.service_account.load(self.row.service_account_id or 0)
        return ServiceAccount.of_user(account, self.row, context)

    def _is_caller(self, context: Context) -> bool:
        """Whether the row came with the request; a mutation reads its rows anew."""
        return self.row is context.actor.user_or_none


@strawberry.type(
    description="A group of users. Readable by its members and by administrators.",
    directives=guard(Permission.SEE_GROUP),
)
class Group(Node):
    row: strawberry.Private[models.Group]
    database_id: int = strawberry.field(description=REST_ID)
    name: str = strawberry.field(description="The unique name, up to 150 characters.")
    can_admin: bool = strawberry.field(
        description="Whether the members are administrators of the portal."
    )
    membership: GroupMembership = strawberry.field(description="How users become members.")
    version: int = strawberry.field(
        description="Incremented when `name`, `canAdmin` or `membership` change. Administrators"
        " send it with a change (optimistic locking)."
    )

    @classmethod
    def of(cls, row: models.Group) -> Self:
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
        description="The members. Administrators see all of them, other callers only themselves."
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
        description="The web apps of the members. Administrators see all of them, other callers"
        " those whose `linkShow` is true."
    )
    async def webapps(self, info: PortalInfo) -> list[WebApp]:
        rows = await info.context.loaders.webapps_of_group.load(self.row.id)
        return [WebApp.of(row, info.context) for row in rows]


@strawberry.type(
    description="A web application. Readable by administrators, and by the members of its groups"
    " if `linkShow` is true.",
    directives=guard(Permission.SEE_WEBAPP),
)
class WebApp(Node):
    row: strawberry.Private[models.WebApp]
    database_id: int = strawberry.field(description=REST_ID)
    name: str = strawberry.field(description="The unique name, up to 150 characters.")
    link_name: str | None = strawberry.field(
        description="The text of the link; null when there is none. {{namespace}} and"
        " {{serviceaccount}} are replaced by those of the requesting user."
    )
    link_url: str | None = strawberry.field(
        description="The target of the link, with the same replacements as `linkName`; null when"
        " there is none."
    )
    link_show: bool = strawberry.field(description="Whether members see the web app.")
    category: WebAppCategory | None = strawberry.field(
        description="The category of the app; null when it is not set."
    )
    link_name_template: str | None = strawberry.field(
        description="`linkName` without replacements, as administrators edit it."
    )
    link_url_template: str | None = strawberry.field(
        description="`linkUrl` without replacements, as administrators edit it."
    )
    version: int = strawberry.field(
        description="Incremented when the name, the link or the category change. Administrators"
        " send it with a change (optimistic locking)."
    )

    @classmethod
    def of(cls, row: models.WebApp, context: Context) -> Self:
        account = context.actor.service_account
        return cls(
            row=row,
            id=global_id("WebApp", row.id),
            database_id=row.id,
            name=row.name,
            link_name=row.link_name and fill_in(row.link_name, account),
            link_url=row.link_url and fill_in(row.link_url, account),
            link_show=row.link_show,
            category=row.category,
            link_name_template=row.link_name,
            link_url_template=row.link_url,
            version=row.version,
        )

    @strawberry.field(
        description="The groups of the app. Administrators see all of them, other callers their"
        " own ones."
    )
    async def groups(self, info: PortalInfo) -> list[Group]:
        rows = await info.context.loaders.groups_of_webapp.load(self.row.id)
        return [Group.of(row) for row in rows]
