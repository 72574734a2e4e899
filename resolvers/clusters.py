"""Streams whose silence is noticed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum
from typing import TypeVar

from cluster.cluster import Cluster, Clusters
from cluster.facts import Facts
from models import ServiceAccount, User
from resolvers.actor import Actor
from resolvers.errors import NotFound, Unavailable
from resolvers.services import Services
from resolvers.sessions import require_current

T = TypeVar("T")


async def with_pauses(
    source: AsyncGenerator[T, None], seconds: float
) -> AsyncGenerator[T | None, None]:
    """What the source yields, and None whenever it has been silent for so long.

    The source is asked for the next value only when the reader is back, and is closed at the end.
    """
    upcoming = asyncio.ensure_future(anext(source))
    try:
        while True:
            await asyncio.wait({upcoming}, timeout=seconds)
            if not upcoming.done():
                yield None
                continue
            try:
                value = upcoming.result()
            except StopAsyncIteration:
                return
            yield value
            upcoming = asyncio.ensure_future(anext(source))
    finally:
        upcoming.cancel()
        await asyncio.gather(upcoming, return_exceptions=True)
        await source.aclose()


class MemoryUnit(Enum):
    """Units by their size in bytes."""

    BYTE = 1
    KIBIBYTE = 1024
    MEBIBYTE = 1024**2
    GIBIBYTE = 1024**3
    MILLION_KIBIBYTES = 1024 * 10**6


NO_CLUSTER = (
    "No cluster is configured: run the portal inside a cluster or set KUBECONFIG, then restart it."
)


def cluster(actor: Actor, clusters: Clusters, name: str | None) -> Cluster:
    """The named or the default cluster, for any signed-in user.

    Raises Unauthenticated, NotFound, or Unavailable when there is no cluster at all.
    """
    if actor.user and not clusters.default:
        raise Unavailable(NO_CLUSTER)
    found = clusters.get(name) if name else clusters.default
    if found is None:
        raise NotFound
    return found


async def watch_facts(
    services: Services, actor: Actor, source: Cluster
) -> AsyncGenerator[Facts, None]:
    """The current facts, then only changes, as long as the actor's session is good.

    It is looked up for each change and regularly in between. Raises Unauthenticated.
    """
    seconds = services.recheck_interval.total_seconds()
    async with aclosing(with_pauses(source.watch_facts(), seconds)) as changes:
        async for facts in changes:
            await require_current(services, actor)
            if facts is not None:
                yield facts


def all_clusters(actor: Actor, clusters: Clusters) -> list[Cluster]:
    """For any signed-in user. Raises Unauthenticated."""
    return list(clusters) if actor.user else []


def cluster_of(clusters: Clusters, account: ServiceAccount) -> Cluster | None:
    """Where a service account lives; None when that cluster is not configured any more."""
    return clusters.get(account.cluster) if account.cluster else clusters.default


def csrf_token() -> str:
    """For clients that expect one: bearer tokens need no protection against forged requests."""
    return secrets.token_urlsafe(32)


async def user_count(actor: Actor) -> int:
    """How many accounts there are, for any signed-in user. Raises Unauthenticated."""
    return await User.all().count() if actor.user else 0
