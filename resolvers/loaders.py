"""Batched reads for one operation: one statement per edge, however many rows ask for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

from strawberry.dataloader import DataLoader
from tortoise.expressions import F

from models import AccessRequest, Group, ServiceAccount, User, WebApp
from resolvers import access, groups, webapps
from resolvers.actor import Actor
from resolvers.pages import Page, PageArguments

T = TypeVar("T")


class Loaders:
    """What the actor may see along the edges between nouns, in the order of ids."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self.groups_of_user: DataLoader[int, list[Group]] = DataLoader(self._groups_of_users)
        self.webapps_of_user: DataLoader[int, list[WebApp]] = DataLoader(self._webapps_of_users)
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

    async def _groups_of_users(self, user_ids: list[int]) -> list[list[Group]]:
        rows = Group.filter(effective_memberships__user_id__in=user_ids).annotate(
            owner=F("effective_memberships__user_id")
        )
        return _by_owner(await rows.order_by("id"), user_ids)

    async def _webapps_of_users(self, user_ids: list[int]) -> list[list[WebApp]]:
        path = "grants__group__effective_memberships__user_id"
        rows = WebApp.filter(link_show=True, **{f"{path}__in": user_ids}).annotate(owner=F(path))
        return _by_owner(await rows.distinct().order_by("id"), user_ids)

    async def _webapps_of_groups(self, group_ids: list[int]) -> list[list[WebApp]]:
        visible = await webapps.visible_to(self._actor)
        owned = visible.filter(grants__group_id__in=group_ids).annotate(owner=F("grants__group_id"))
        return _by_owner(await owned.order_by("id"), group_ids)

    async def _groups_of_webapps(self, webapp_ids: list[int]) -> list[list[Group]]:
        visible = await groups.visible_to(self._actor)
        owned = visible.filter(grants__webapp_id__in=webapp_ids).annotate(
            owner=F("grants__webapp_id")
        )
        return _by_owner(await owned.order_by("id"), webapp_ids)

    async def _requests(self, user_ids: list[int]) -> list[AccessRequest | None]:
        return await access.latest_visible(self._actor, user_ids)

    async def _member_counts(self, group_ids: list[int]) -> list[int]:
        return await groups.counts(self._actor, group_ids)


async def _accounts(ids: list[int]) -> list[ServiceAccount | None]:
    found = await ServiceAccount.in_bulk(ids, "id")
    return [found.get(account_id) for account_id in ids]


def _by_owner(rows: Iterable[T], owners: Sequence[int]) -> list[list[T]]:
    owned: defaultdict[int, list[T]] = defaultdict(list)
    for row in rows:
        owned[row.owner].append(row)  # type: ignore[attr-defined]  # annotated by the query
    return [owned[owner] for owner in owners]
