"""The part of the schema for administrators: lists of all objects, with filters and orders."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

import models
from resolvers import access, audit, credentials, groups, rest_usage, users, webapps
from resolvers.pages import BY_ID, Order, find, page_arguments
from schema.access import AccessRequest
from schema.audit import NEWEST_FIRST, AuditEvent, AuditEventFilter, AuditEventFilterArgument
from schema.clusters import CredentialIssue
from schema.context import PortalInfo
from schema.enums import (
    AccessRequestState,
    AccessState,
    Direction,
    GroupMembership,
    GroupOrderField,
    Permission,
    UserOrderField,
    WebAppOrderField,
)
from schema.guard import guard
from schema.relay import (
    After,
    Before,
    Chronology,
    Connection,
    DatabaseId,
    First,
    Last,
    Search,
)
from schema.scalars import BigInt
from schema.types import Group, User, WebApp

DIRECTION = "Ascending (ASC) or descending (DESC)."
ORDER_FIELD = "The field to sort by."


@strawberry.input(description="Conditions for users, all of which must hold.")
class UserFilter:
    is_active: bool | None = strawberry.field(
        default=None, description="Only open accounts (true) or closed accounts (false)."
    )
    is_admin: bool | None = strawberry.field(
        default=None, description="Only administrators (true) or other users (false)."
    )
    access_state: AccessState | None = strawberry.field(
        default=None, description="Only users whose access is in this state."
    )
    group: int | None = strawberry.field(
        default=None, description="Only members of the group with this integer id."
    )

    def as_filter(self) -> users.UserFilter:
        return users.UserFilter(
            is_active=self.is_active,
            is_admin=self.is_admin,
            access_state=self.access_state,
            group_id=self.group,
        )


@strawberry.input(description="Conditions for groups, all of which must hold.")
class GroupFilter:
    can_admin: bool | None = strawberry.field(
        default=None,
        description="Only groups whose members are administrators (true) or are not (false).",
    )
    membership: GroupMembership | None = strawberry.field(
        default=None, description="Only groups with this kind of membership."
    )

    def as_filter(self) -> groups.GroupFilter:
        return groups.GroupFilter(can_admin=self.can_admin, membership=self.membership)


@strawberry.input(description="Conditions for web apps, all of which must hold.")
class WebAppFilter:
    link_show: bool | None = strawberry.field(
        default=None, description="Only visible web apps (true) or hidden ones (false)."
    )
    group: int | None = strawberry.field(
        default=None, description="Only web apps of the group with this integer id."
    )

    def as_filter(self) -> webapps.WebAppFilter:
        return webapps.WebAppFilter(link_show=self.link_show, group_id=self.group)


@strawberry.input(description="The order of users.")
class UserOrder:
    field: UserOrderField = strawberry.field(default=UserOrderField.ID, description=ORDER_FIELD)
    direction: Direction = strawberry.field(default=Direction.ASC, description=DIRECTION)


@strawberry.input(description="The order of groups.")
class GroupOrder:
    field: GroupOrderField = strawberry.field(default=GroupOrderField.ID, description=ORDER_FIELD)
    direction: Direction = strawberry.field(default=Direction.ASC, description=DIRECTION)


@strawberry.input(description="The order of web apps.")
class WebAppOrder:
    field: WebAppOrderField = strawberry.field(default=WebAppOrderField.ID, description=ORDER_FIELD)
    direction: Direction = strawberry.field(default=Direction.ASC, description=DIRECTION)


def _directed(order: UserOrder | GroupOrder | WebAppOrder) -> Order:
    by_field: Order = order.field.value
    return by_field.directed(order.direction)


UserFilterArgument = Annotated[
    UserFilter | None,
    strawberry.argument(description="Conditions for users; by default, all users."),
]
UserOrderArgument = Annotated[
    UserOrder | None, strawberry.argument(description="The order; by default, by id.")
]
GroupFilterArgument = Annotated[
    GroupFilter | None,
    strawberry.argument(description="Conditions for groups; by default, all groups."),
]
GroupOrderArgument = Annotated[
    GroupOrder | None, strawberry.argument(description="The order; by default, by id.")
]
WebAppFilterArgument = Annotated[
    WebAppFilter | None,
    strawberry.argument(description="Conditions for web apps; by default, all web apps."),
]
WebAppOrderArgument = Annotated[
    WebAppOrder | None, strawberry.argument(description="The order; by default, by id.")
]
RequestState = Annotated[
    AccessRequestState | None, strawberry.argument(description="Only requests in this state.")
]


@strawberry.type(
    description="The use of a REST route by a client, which shows the clients that have to migrate"
    " before the route can be removed. Readable by administrators.",
    directives=guard(Permission.ADMINISTRATE),
)
class RestUsage:
    method: str = strawberry.field(description="The HTTP method.")
    route: str = strawberry.field(
        description="The path without the version, such as `/users/{id}/`."
    )
    document: str = strawberry.field(
        description="The name of the operation that answers, which GraphQL clients can send as"
        " `documentId`."
    )
    client: str | None = strawberry.field(
        description="The origin of the calling page, else the product in `User-Agent`; null when"
        " the client sends neither. `(others)` sums up all clients beyond the first ones of a"
        " route."
    )
    count: BigInt = strawberry.field(
        description="Number of calls, successful or not. Calls without a valid sign-in do not"
        " count where one is required."
    )
    first_seen_at: datetime = strawberry.field(description="Time of the first call.")
    last_seen_at: datetime = strawberry.field(
        description="Time of the last call. The row is deleted a year later."
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


@strawberry.type(
    description="All objects of the portal. Readable by administrators.",
    directives=guard(Permission.ADMINISTRATE),
)
class Administration:
    @strawberry.field(description="A user. NOT_FOUND for a missing one.")
    async def user(self, info: PortalInfo, database_id: DatabaseId) -> User | None:
        return User.of(await find(models.User, database_id))

    @strawberry.field(description="All users. The search covers names and addresses.")
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
        now, conditions = info.context.services.clock(), (filter or UserFilter()).as_filter()
        query = await users.search(search, conditions, now)
        order = _directed(order_by or UserOrder())
        arguments = page_arguments(first, after, last, before, order)
        return await Connection[User].read(query, arguments, User.of)

    @strawberry.field(description="A group. NOT_FOUND for a missing one.")
    async def group(self, info: PortalInfo, database_id: DatabaseId) -> Group | None:
        return Group.of(await find(models.Group, database_id))

    @strawberry.field(description="All groups. The search covers names.")
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
        conditions = (filter or GroupFilter()).as_filter()
        query = groups.search(search, conditions)
        order = _directed(order_by or GroupOrder())
        arguments = page_arguments(first, after, last, before, order)
        return await Connection[Group].read(query, arguments, Group.of)

    @strawberry.field(description="A web app, visible or hidden. NOT_FOUND for a missing one.")
    async def webapp(self, info: PortalInfo, database_id: DatabaseId) -> WebApp | None:
        row = await find(models.WebApp, database_id)
        return WebApp.of(row, info.context)

    @strawberry.field(description="All web apps. The search covers names and links.")
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
        conditions = (filter or WebAppFilter()).as_filter()
        query = webapps.search(search, conditions)
        order = _directed(order_by or WebAppOrder())
        arguments = page_arguments(first, after, last, before, order)
        return await Connection[WebApp].read(
            query, arguments, lambda row: WebApp.of(row, info.context)
        )

    @strawberry.field(
        description="The records of all issued credentials, oldest first by default. The search"
        " covers names, network addresses and fingerprints."
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
        query = credentials.search(search)
        arguments = page_arguments(first, after, last, before, BY_ID.directed(direction))
        return await Connection[CredentialIssue].read(query, arguments, CredentialIssue.of)

    @strawberry.field(description="All events of the audit log, newest first.")
    async def audit_events(
        self,
        info: PortalInfo,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: AuditEventFilterArgument = None,
    ) -> Connection[AuditEvent]:
        conditions = (filter or AuditEventFilter()).as_filter()
        query = audit.search(conditions)
        arguments = page_arguments(first, after, last, before, NEWEST_FIRST)
        return await Connection[AuditEvent].read(query, arguments, AuditEvent.of)

    @strawberry.field(description="All requests for access, oldest first by default.")
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
        query = access.search(state)
        arguments = page_arguments(first, after, last, before, BY_ID.directed(direction))
        return await Connection[AccessRequest].read(query, arguments, AccessRequest.of)

    @strawberry.field(
        description="The use of the REST API by route and client, latest clients first. The number"
        " of clients per route is limited. Each replica adds its calls every 5 seconds, so newer"
        " ones are missing."
    )
    async def rest_usage(self, info: PortalInfo) -> list[RestUsage]:
        return [RestUsage.of(row) for row in await rest_usage.usage()]
