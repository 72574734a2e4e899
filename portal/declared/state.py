"""What the database holds of the things that a declaration names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from tortoise.functions import Count
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models import (
    Grant,
    Group,
    Membership,
    ServiceAccount,
    Session,
    User,
    VerifiedEmail,
    WebApp,
    username_key,
)
from portal.declared.declaration import Declaration, DeclaredServiceAccount

BATCH = 1000

M = TypeVar("M", bound=Model)
AccountKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class State:
    """All groups, web apps and grants, and of the users only those that are named."""

    groups: dict[str, Group]
    webapps: dict[str, WebApp]
    grants: list[Grant]
    users: dict[str, User]
    memberships: list[Membership]
    verified_emails: dict[str, VerifiedEmail]
    accounts: dict[AccountKey, ServiceAccount]
    session_counts: dict[int, int]


async def load(declaration: Declaration) -> State:
    """Reads in batches: the number of statements grows by a few per thousand users."""
    keys = {username_key(user.username) for user in declaration.users}
    users = await among(User.all().select_related("service_account"), "username_key", keys)
    ids = [user.id for user in users]
    return State(
        groups={group.name: group for group in await Group.all()},
        webapps={webapp.name: webapp for webapp in await WebApp.all()},
        grants=await Grant.all().select_related("webapp"),
        users={user.username_key: user for user in users},
        memberships=await among(Membership.all().select_related("group"), "user_id", ids),
        verified_emails=await _verified_emails(declaration, ids),
        accounts=await _accounts(declaration),
        session_counts=await _session_counts(ids),
    )


def account_key(account: ServiceAccount | DeclaredServiceAccount) -> AccountKey:
    return account.namespace, account.name, account.cluster


async def among(query: QuerySet[M], field: str, values: Collection[Any]) -> list[M]:
    """The rows whose field has one of the values; databases limit how many fit a statement."""
    found: list[M] = []
    for some in batches(values):
        found += await query.filter(**{f"{field}__in": some})
    return found


def batches(values: Collection[Any]) -> list[list[Any]]:
    ordered = list(values)
    return [ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH)]


async def _verified_emails(declaration: Declaration, ids: list[int]) -> dict[str, VerifiedEmail]:
    query = VerifiedEmail.all().select_related("user")
    addresses = {address for user in declaration.users for address in user.verified_emails}
    found = await among(query, "user_id", ids) + await among(query, "address", addresses)
    return {verified.address: verified for verified in found}


async def _accounts(declaration: Declaration) -> dict[AccountKey, ServiceAccount]:
    namespaces = {u.service_account.namespace for u in declaration.users if u.service_account}
    found = await among(ServiceAccount.all(), "namespace", namespaces)
    return {account_key(account): account for account in found}


async def _session_counts(ids: list[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for some in batches(ids):
        query = Session.filter(user_id__in=some).annotate(count=Count("id")).group_by("user_id")
        counts.update(await query.values_list("user_id", "count"))
    return counts
