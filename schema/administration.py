from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers import access, credential_issues, groups, users, webapps
from resolvers.pages import page, page_arguments
from schema.access import AccessRequest
from schema.arguments import DatabaseId
from schema.connections import After, Before, Connection, First, Last, Search
from schema.context import PortalInfo
from schema.credentials import CredentialIssue
from schema.enums import AccessRequestState, Permission
from schema.groups import Group
from schema.guard import guard
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
    ) -> Connection[User]:
        query = await users.search(info.context.actor, search)
        found = await page(query, page_arguments(first, after, last, before))
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
    ) -> Connection[Group]:
        query = await groups.search(info.context.actor, search)
        found = await page(query, page_arguments(first, after, last, before))
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
    ) -> Connection[WebApp]:
        query = await webapps.search(info.context.actor, search)
        found = await page(query, page_arguments(first, after, last, before))
        account = await info.context.loaders.own_account()
        return Connection[WebApp].of(found, lambda row: WebApp.of(row, account), query.count)

    @strawberry.field(
        description="All credentials that were handed out, the oldest first; the search looks at"
        " names, network addresses and fingerprints."
    )
    async def credential_issues(
        self,
        info: PortalInfo,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        search: Search = None,
    ) -> Connection[CredentialIssue]:
        query = await credential_issues.search(info.context.actor, search)
        found = await page(query, page_arguments(first, after, last, before))
        return Connection[CredentialIssue].of(found, CredentialIssue.of, query.count)

    @strawberry.field(description="All requests for access, the oldest first.")
    async def access_requests(
        self,
        info: PortalInfo,
        state: RequestState = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AccessRequest]:
        query = await access.search(info.context.actor, state)
        found = await page(query, page_arguments(first, after, last, before))
        return Connection[AccessRequest].of(found, AccessRequest.of, query.count)
