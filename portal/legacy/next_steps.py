"""What an import can't do, and somebody has to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models import ExternalIdentity, User
from portal.legacy.names import texts_of
from portal.legacy.release import CLIENTS, NEWS, WEBAPPS
from portal.legacy.run import Run
from portal.legacy.texts import shortened
from portal.legacy.values import text

SHOWN = 20
BATCH = 1000


async def next_steps(run: Run) -> list[str]:
    steps = [
        _step("Tell these users how to get a password, they can't sign in", await _locked_out()),
        _step(
            "Close the accounts of these users, who are deleted there and can still sign in here",
            await _lingering(run),
        ),
        _step("Check that these namespaces exist in the cluster", await _namespaces()),
        _step("Register these web apps anew where they sign users in", await _clients(run)),
        _step("Find another guard for these web apps", await _guarded(run)),
        await _news(run),
    ]
    return [step for step in steps if step]


def _step(what: str, names: Sequence[str]) -> str | None:
    if not names:
        return None
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{what}: {', '.join(map(shortened, names[:SHOWN]))}{more}."


async def _locked_out() -> Sequence[str]:
    """Active users with neither a password nor an identity of a provider."""
    users = User.filter(is_active=True, password_hash=None).order_by("id")
    identified = await _identified()
    pairs = await users.values_list("id", "username")
    return [username for user_id, username in pairs if user_id not in identified]


async def _lingering(run: Run) -> Sequence[str]:
    """Those of them with an open account and any way to sign in."""
    names: list[str] = []
    identified = await _identified()
    for start in range(0, len(run.lingering), BATCH):
        users = User.filter(id__in=run.lingering[start : start + BATCH], is_active=True)
        names += [
            user.username
            async for user in users.order_by("id")
            if user.password_hash or user.id in identified
        ]
    return names


async def _identified() -> set[int]:
    """Who can sign in with an identity of a provider."""
    ids: list[Any] = await ExternalIdentity.all().values_list("user_id", flat=True)
    return set(ids)


async def _namespaces() -> Sequence[str]:
    users = User.filter(service_account_id__not_isnull=True, service_account__cluster="")
    return sorted(set(await texts_of(users, "service_account__namespace")))


async def _clients(run: Run) -> Sequence[str]:
    if not run.release.has(WEBAPPS, "oidc_client_id") or not run.release.has(CLIENTS):
        return []
    return await _names(run, '"oidc_client_id" IS NOT NULL')


async def _guarded(run: Run) -> Sequence[str]:
    return await _names(run, '"can_subauth"') if run.release.has(WEBAPPS, "can_subauth") else []


async def _names(run: Run, condition: str) -> list[str]:
    query = f'SELECT "name" FROM "{WEBAPPS}" WHERE {condition} ORDER BY "id"'  # noqa: S608
    return [text(row["name"]) for row in await run.source.rows(query)]


async def _news(run: Run) -> str | None:
    number = await run.count(NEWS) if run.release.has(NEWS) else 0
    return f"Publish {number} news elsewhere: they have no home here." if number else None
