from __future__ import annotations

import logging
from enum import Enum

from cluster.cluster import Cluster
from cluster.clusters import Clusters
from cluster.errors import ClusterRefused, ClusterUnavailable
from cluster.tokens import ServiceAccountToken
from models import ServiceAccount, User
from resolvers.actor import Actor
from resolvers.errors import Forbidden, NotFound, Unavailable
from resolvers.services import Services

logger = logging.getLogger(__name__)


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


def all_clusters(actor: Actor, clusters: Clusters) -> list[Cluster]:
    """For any signed-in user. Raises Unauthenticated."""
    return list(clusters) if actor.user else []


def cluster_of(clusters: Clusters, account: ServiceAccount) -> Cluster | None:
    """Where a service account lives; None when that cluster is not configured any more."""
    return clusters.get(account.cluster) if account.cluster else clusters.default


async def token(
    services: Services, actor: Actor, owner: User, account: ServiceAccount
) -> ServiceAccountToken:
    """A token of the owner's account. Raises Forbidden for anybody else, and Unavailable."""
    if actor.user.id != owner.id:
        raise Forbidden("A token is for its owner only.")
    if not owner.has_access:
        raise Forbidden("Access to the cluster has not been approved.")
    found = cluster_of(services.clusters, account)
    if found is None:
        raise Unavailable(NO_CLUSTER)
    try:
        return await found.issue_token(
            account.namespace, account.name, lifetime=services.token_lifetime
        )
    except ClusterUnavailable as outage:
        raise Unavailable(str(outage)) from outage
    except ClusterRefused as refusal:
        logger.warning("No token for %s: %s", account.qualified_name, refusal)
        raise Unavailable(str(refusal)) from refusal
