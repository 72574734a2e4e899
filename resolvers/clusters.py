"""Clusters as fields and subscriptions see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum
from typing import TypeVar

from cluster.cluster import Cluster, Clusters
from cluster.facts import Facts
from models import ServiceAccount
from resolvers.actor import Actor
from resolvers.errors import NotFound, Unavailable
from resolvers.services import Services
from resolvers.sessions import require_current

T = TypeVar("T")


async def with_timeouts(
    source: AsyncGenerator[T, None], seconds: float
) -> AsyncGenerator[T | None, None]:
    """The values of the source, and None after each period of that many seconds without one.

    The next value is requested only when the reader asks for it. Closes the source at the end.
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
    """The named or the default cluster.

    Raises Unauthenticated, NotFound, and Unavailable when no cluster is configured.
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
    """The current facts, then each change. Raises Unauthenticated once the session has ended.

    The session is checked before each change and every `recheck_interval`.
    """
    seconds = services.recheck_interval.total_seconds()
    async with aclosing(with_timeouts(source.watch_facts(), seconds)) as changes:
        async for facts in changes:
            await require_current(services, actor)
            if facts is not None:
                yield facts


def all_clusters(actor: Actor, clusters: Clusters) -> list[Cluster]:
    """Raises Unauthenticated."""
    return list(clusters) if actor.user else []


def cluster_of(clusters: Clusters, account: ServiceAccount) -> Cluster | None:
    """The cluster of a service account; None if it is no longer configured."""
    return clusters.get(account.cluster) if account.cluster else clusters.default
