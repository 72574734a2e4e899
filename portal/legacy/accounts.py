"""Service accounts, as far as users have them; they are called `namespace:name` here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tortoise.functions import Count

from models import ServiceAccount, User
from portal.declared.texts import check_label, check_subdomain
from portal.legacy.names import texts_of
from portal.legacy.release import ACCOUNTS, NAMESPACES
from portal.legacy.report import Rule
from portal.legacy.run import Run
from portal.legacy.texts import listed
from portal.legacy.values import text

SHOWN_USERS = 10
BATCH = 1000


@dataclass(frozen=True, slots=True)
class ForeignAccount:
    """`fits` is false for a name that Kubernetes can't have."""

    name: str
    fits: bool


async def foreign_accounts(run: Run, ids: Iterable[int]) -> Mapping[int, ForeignAccount]:
    """Those of the ids that are there, and are in a namespace that is there."""
    rows = await run.source.rows(
        f'SELECT a."id", a."name", n."name" AS "namespace" FROM "{ACCOUNTS}" a'  # noqa: S608
        f' JOIN "{NAMESPACES}" n ON n."id" = a."namespace_id" WHERE a."id" IN {listed(ids)}'
    )
    return {row["id"]: _checked(text(row["namespace"]), text(row["name"])) for row in rows}


async def provide(names: Iterable[str]) -> dict[str, int]:
    """Their ids here; what is missing is made."""
    wanted = set(names)
    here = await _ids(wanted)
    missing = sorted(wanted - here.keys())
    if missing:
        await ServiceAccount.bulk_create([_account(name) for name in missing])
        here = await _ids(wanted)
    return here


async def known_accounts() -> set[str]:
    accounts = await ServiceAccount.filter(cluster="")
    return {account.qualified_name for account in accounts}


async def note_shared(run: Run) -> None:
    """One line for each account that several users have."""
    query = User.filter(service_account_id__not_isnull=True).annotate(number=Count("id"))
    shared = query.filter(number__gt=1).group_by("service_account_id")
    ids = await shared.values_list("service_account_id", flat=True)
    for start in range(0, len(ids), BATCH):
        accounts = ServiceAccount.filter(id__in=ids[start : start + BATCH]).order_by("id")
        for account in await accounts:
            users = User.filter(service_account_id=account.id).order_by("id").limit(SHOWN_USERS)
            names = ", ".join(await texts_of(users, "username"))
            run.report.note(Rule.ACCOUNT_SHARED, account.qualified_name, names)


async def _ids(names: set[str]) -> dict[str, int]:
    namespaces = {name.partition(":")[0] for name in names}
    rows = ServiceAccount.filter(cluster="", namespace__in=list(namespaces))
    found = {account.qualified_name: account.id for account in await rows}
    return {name: found[name] for name in names & found.keys()}


def _account(qualified_name: str) -> ServiceAccount:
    namespace, _, name = qualified_name.partition(":")
    return ServiceAccount(namespace=namespace, name=name)


def _checked(namespace: str, name: str) -> ForeignAccount:
    try:
        check_label(namespace)
        check_subdomain(name)
    except ValueError:
        return ForeignAccount(f"{namespace}:{name}", fits=False)
    return ForeignAccount(f"{namespace}:{name}", fits=True)
