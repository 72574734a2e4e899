"""Batched reads for one operation: one statement per edge, for any number of rows."""

from __future__ import annotations

from strawberry.dataloader import DataLoader

from models import AccessRequest, Group, ServiceAccount, User, WebApp
from resolvers import access, groups, webapps
from resolvers.actor import Actor
from resolvers.administrators import administrators_among
from resolvers.pages import Page, PageArguments


class Loaders:
    """The edges between objects, as far as the caller may see what they lead to."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self.groups_of_user: DataLoader[int, list[Group]] = DataLoader(groups.of_users)
        self.webapps_of_user: DataLoader[int, list[WebApp]] = DataLoader(webapps.of_users)
        self.webapps_of_group: DataLoader[int, list[WebApp]] = DataLoader(self._webapps_of_groups)
        self.groups_of_webapp: DataLoader[int, list[Group]] = DataLoader(self._groups_of_webapps)
        self.access_request: DataLoader[int, AccessRequest | None] = DataLoader(self._requests)
        self.member_count: DataLoader[int, int] = DataLoader(self._member_counts)
        self.is_admin: DataLoader[int, bool] = DataLoader(_administrate)
        self.service_account: DataLoader[int, ServiceAccount | None] = DataLoader(_accounts)
        self._member_pages: dict[PageArguments, DataLoader[int, Page[User]]] = {}

    def members_of_group(self, arguments: PageArguments) -> DataLoader[int, Page[User]]:
        async def load(group_ids: list[int]) -> list[Page[User]]:
            return await groups.pages(self._actor, group_ids, arguments)

        return self._member_pages.setdefault(arguments, DataLoader(load))

    async def _webapps_of_groups(self, group_ids: list[int]) -> list[list[WebApp]]:
        return await webapps.of_groups(self._actor, group_ids)

    async def _groups_of_webapps(self, webapp_ids: list[int]) -> list[list[Group]]:
        return await groups.of_webapps(self._actor, webapp_ids)

    async def _requests(self, user_ids: list[int]) -> list[AccessRequest | None]:
        return await access.latest_visible(self._actor, user_ids)

    async def _member_counts(self, group_ids: list[int]) -> list[int]:
        return await groups.counts(self._actor, group_ids)


async def _administrate(user_ids: list[int]) -> list[bool]:
    administrators = await administrators_among(user_ids)
    return [user_id in administrators for user_id in user_ids]


async def _accounts(ids: list[int]) -> list[ServiceAccount | None]:
    accounts = await ServiceAccount.in_bulk(ids, "id")
    return [accounts.get(account_id) for account_id in ids]
