from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

import models
from resolvers import access, audit, credentials, groups, rest_usage, users, webapps
from resolvers.pages import BY_ID, page, page_arguments
from schema.access import AccessRequest
from schema.audit import NEWEST_FIRST, AuditEvent, AuditEventFilter, AuditEventFilterArgument
from schema.clusters import CredentialIssue
from schema.context import PortalInfo
from schema.enums import AccessRequestState, Direction, Permission
from schema.groups import Group
from schema.guard import guard
from schema.relay import (
    After,
    Before,
    Chronology,
    Connection,
    DatabaseId,
    First,
    GroupFilter,
    GroupFilterArgument,
    GroupOrder,
    GroupOrderArgument,
    Last,
    Search,
    UserFilter,
    UserFilterArgument,
    UserOrder,
    UserOrderArgument,
    WebAppFilter,
    WebAppFilterArgument,
    WebAppOrder,
    WebAppOrderArgument,
)
from schema.scalars import BigInt
from schema.users import User
from schema.webapps import WebApp


@strawberry.type(
    description="How often a client has called a route of the REST API: see who has to move before"
    " the route can go.",
    directives=guard(Permission.ADMINISTRATE),
)
class RestUsage:
    method: str = strawberry.field(description="The method of HTTP.")
    route: str = strawberry.field(description="The path below the version, as `/users/{id}/`.")
    document: str = strawberry.field(
        description="The operation that answers: its name is the `documentId` with which GraphQL"
        " clients run the same."
    )
    client: str | None = strawberry.field(
        description="Who calls: the origin of a page, else the product that the User-Agent names."
        " `(others)` are all beyond the first clients of a route; null when a client does not say."
    )
    count: BigInt = strawberry.field(
        description="How many calls there were, successful or not; those that were refused because"
        " nobody was signed in do not count."
    )
    first_seen_at: datetime = strawberry.field(description="When the first of them was.")
    last_seen_at: datetime = strawberry.field(
        description="When the last of them was; after a year without another one the row goes."
    )

    @classmethod
    def of(cls, row: models.RestUsage) -> RestUsage:
        return cls(
            method=row.method,
            route=row.route,
            document=row.document,
            client=row.client or None,
            count=BigInt(row.count),
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
        )


RequestState = Annotated[
    AccessRequestState | None, strawberry.argument(description="Only requests in this state.")
]


@strawberry.type(
    description="What administrators reach: everything. Forbidden for others.",
    directives=guard(Permission.ADMINISTRATE),
)
class Administration:
    @strawberry.field(description="Any user.")
    async def user(self, info: PortalInfo, database_id: DatabaseId) -> User | None:
        return User.of(await users.any_user(info.context.actor, database_id))

    @strawberry.field(description="All users; the search looks at names and addresses.")
    async def users(
        self,
        info: PortalInfo,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        search: Search = None,
        filter: UserFilterArgument = None,
        order_by: UserOrderArgument = None,
    ) -> Connection[User]:
        wanted, now = (filter or UserFilter()).wanted(), info.context.services.clock()
        query = await users.search(info.context.actor, search, wanted, now)
        order = (order_by or UserOrder()).order()
        found = await page(query, page_arguments(first, after, last, before, order))
        return Connection[User].of(found, User.of, query.count)

    @strawberry.field(description="Any group.")
    async def group(self, info: PortalInfo, database_id: DatabaseId) -> Group | None:
        return Group.of(await groups.any_group(info.context.actor, database_id))

    @strawberry.field(description="All groups; the search looks at names.")
    async def groups(
        self,
        info: PortalInfo,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        search: Search = None,
        filter: GroupFilterArgument = None,
        order_by: GroupOrderArgument = None,
    ) -> Connection[Group]:
        wanted = (filter or GroupFilter()).wanted()
        query = await groups.search(info.context.actor, search, wanted)
        order = (order_by or GroupOrder()).order()
        found = await page(query, page_arguments(first, after, last, before, order))
        return Connection[Group].of(found, Group.of, query.count)

    @strawberry.field(description="Any web app, shown or not.")
    async def webapp(self, info: PortalInfo, database_id: DatabaseId) -> WebApp | None:
        row = await webapps.any_webapp(info.context.actor, database_id)
        return (await WebApp.filled_in([row], info.context))[0]

    @strawberry.field(description="All web apps; the search looks at names and links.")
    async def webapps(
        self,
        info: PortalInfo,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        search: Search = None,
        filter: WebAppFilterArgument = None,
        order_by: WebAppOrderArgument = None,
    ) -> Connection[WebApp]:
        wanted = (filter or WebAppFilter()).wanted()
        query = await webapps.search(info.context.actor, search, wanted)
        order = (order_by or WebAppOrder()).order()
        found = await page(query, page_arguments(first, after, last, before, order))
        account = await info.context.loaders.own_account()
        return Connection[WebApp].of(found, lambda row: WebApp.of(row, account), query.count)

    @strawberry.field(
        description="All credentials that were handed out, by time, the oldest first if nothing"
        " else is said; the search looks at names, network addresses and fingerprints."
    )
    async def credential_issues(
        self,
        info: PortalInfo,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        search: Search = None,
        direction: Chronology = Direction.ASC,
    ) -> Connection[CredentialIssue]:
        query = await credentials.search(info.context.actor, search)
        order = BY_ID.directed(direction)
        found = await page(query, page_arguments(first, after, last, before, order))
        return Connection[CredentialIssue].of(found, CredentialIssue.of, query.count)

    @strawberry.field(description="All that has happened, the newest first.")
    async def audit_events(
        self,
        info: PortalInfo,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: AuditEventFilterArgument = None,
    ) -> Connection[AuditEvent]:
        wanted = (filter or AuditEventFilter()).wanted()
        query = await audit.search(info.context.actor, wanted)
        found = await page(query, page_arguments(first, after, last, before, NEWEST_FIRST))
        return Connection[AuditEvent].of(found, AuditEvent.of, query.count)

    @strawberry.field(
        description="All requests for access, by time, the oldest first if nothing else is said."
    )
    async def access_requests(
        self,
        info: PortalInfo,
        state: RequestState = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        direction: Chronology = Direction.ASC,
    ) -> Connection[AccessRequest]:
        query = await access.search(info.context.actor, state)
        order = BY_ID.directed(direction)
        found = await page(query, page_arguments(first, after, last, before, order))
        return Connection[AccessRequest].of(found, AccessRequest.of, query.count)

    @strawberry.field(
        description="Who has called which route of the REST API, by route, the latest caller first:"
        " some clients at most for each route. The calls of the last seconds may be missing."
    )
    async def rest_usage(self, info: PortalInfo) -> list[RestUsage]:
        return [RestUsage.of(row) for row in await rest_usage.usage(info.context.actor)]
