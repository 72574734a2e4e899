from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum

from cluster.cluster import Cluster
from cluster.clusters import Clusters
from cluster.facts import Facts
from models import ServiceAccount
from resolvers.actor import Actor
from resolvers.authentication import require_current
from resolvers.errors import NotFound, Unavailable
from resolvers.pauses import with_pauses
from resolvers.services import Services


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
