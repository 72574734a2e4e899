from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers import access, audit_events, credential_issues, groups, rest_usage, users, webapps
from resolvers.orders import BY_ID
from resolvers.pages import page, page_arguments
from schema.access import AccessRequest
from schema.arguments import DatabaseId
from schema.audit import NEWEST_FIRST, AuditEvent, AuditEventFilter, AuditEventFilterArgument
from schema.connections import After, Before, Chronology, Connection, First, Last, Search
from schema.context import PortalInfo
from schema.credentials import CredentialIssue
from schema.enums import AccessRequestState, Direction, Permission
from schema.groups import Group
from schema.guard import guard
from schema.lists import (
    GroupFilter,
    GroupFilterArgument,
    GroupOrder,
    GroupOrderArgument,
    UserFilter,
    UserFilterArgument,
    UserOrder,
    UserOrderArgument,
    WebAppFilter,
    WebAppFilterArgument,
    WebAppOrder,
    WebAppOrderArgument,
)
from schema.rest_usage import RestUsage
from schema.users import User
from schema.webapps import WebApp

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
        query = await credential_issues.search(info.context.actor, search)
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
        query = await audit_events.search(info.context.actor, wanted)
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
