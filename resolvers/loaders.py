"""Batched reads for one operation: one statement per edge, for any number of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from strawberry.dataloader import DataLoader
from tortoise.expressions import F
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models import AccessRequest, Group, ServiceAccount, User, WebApp
from resolvers import access, groups, webapps
from resolvers.actor import Actor
from resolvers.pages import Page, PageArguments

M = TypeVar("M", bound=Model)


class Loaders:
    """The edges between objects, as far as the caller may see what they lead to."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self.groups_of_user: DataLoader[int, list[Group]] = DataLoader(_groups_of_users)
        self.webapps_of_user: DataLoader[int, list[WebApp]] = DataLoader(_webapps_of_users)
        self.webapps_of_group: DataLoader[int, list[WebApp]] = DataLoader(self._webapps_of_groups)
        self.groups_of_webapp: DataLoader[int, list[Group]] = DataLoader(self._groups_of_webapps)
        self.service_account: DataLoader[int, ServiceAccount | None] = DataLoader(_accounts)
        self.access_request: DataLoader[int, AccessRequest | None] = DataLoader(self._requests)
        self.member_count: DataLoader[int, int] = DataLoader(self._member_counts)
        self._member_pages: dict[PageArguments, DataLoader[int, Page[User]]] = {}

    def members_of_group(self, arguments: PageArguments) -> DataLoader[int, Page[User]]:
        async def load(group_ids: list[int]) -> list[Page[User]]:
            return await groups.pages(self._actor, group_ids, arguments)

        return self._member_pages.setdefault(arguments, DataLoader(load))

    async def is_admin(self, user: User) -> bool:
        if user.is_superuser:
            return True
        return any(group.can_admin for group in await self.groups_of_user.load(user.id))

    async def own_account(self) -> ServiceAccount | None:
        account_id = self._actor.user.service_account_id
        return await self.service_account.load(account_id) if account_id else None

    async def _webapps_of_groups(self, group_ids: list[int]) -> list[list[WebApp]]:
        visible = await webapps.visible_to(self._actor)
        granted = visible.filter(grants__group_id__in=group_ids)
        return await _by_owner(granted, "grants__group_id", group_ids)

    async def _groups_of_webapps(self, webapp_ids: list[int]) -> list[list[Group]]:
        visible = await groups.visible_to(self._actor)
        granted = visible.filter(grants__webapp_id__in=webapp_ids)
        return await _by_owner(granted, "grants__webapp_id", webapp_ids)

    async def _requests(self, user_ids: list[int]) -> list[AccessRequest | None]:
        return await access.latest_visible(self._actor, user_ids)

    async def _member_counts(self, group_ids: list[int]) -> list[int]:
        return await groups.counts(self._actor, group_ids)


async def _groups_of_users(user_ids: list[int]) -> list[list[Group]]:
    return await _by_owner(groups.of_user(*user_ids), "effective_memberships__user_id", user_ids)


async def _webapps_of_users(user_ids: list[int]) -> list[list[WebApp]]:
    path = "grants__group__effective_memberships__user_id"
    return await _by_owner(webapps.shown_to_user(*user_ids), path, user_ids)


async def _accounts(ids: list[int]) -> list[ServiceAccount | None]:
    accounts = await ServiceAccount.in_bulk(ids, "id")
    return [accounts.get(account_id) for account_id in ids]


async def _by_owner(query: QuerySet[M], path: str, owners: Sequence[int]) -> list[list[M]]:
    """The rows of each owner, whose id is at the path, in the order of their ids."""
    rows: defaultdict[int, list[M]] = defaultdict(list)
    for row in await query.annotate(owner=F(path)).order_by("id"):
        rows[row.owner].append(row)  # type: ignore[attr-defined]  # annotated by the query
    return [rows[owner] for owner in owners]
