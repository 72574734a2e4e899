"""The place that an approved user gets in a cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cluster.cluster import Cluster
from cluster.clusters import Clusters
from cluster.errors import ClusterRefused, ClusterUnavailable
from models import User
from resolvers.clusters import NO_CLUSTER
from resolvers.errors import BadUserInput, Complaint, Unavailable
from resolvers.terms import Terms, is_account_name

logger = logging.getLogger(__name__)

COMMON_ACCOUNT = "default"


@dataclass(frozen=True, slots=True)
class Place:
    """The names of a service account; the empty cluster name means the default cluster."""

    cluster: str
    namespace: str
    account: str

    @classmethod
    def of(cls, terms: Terms, user: User) -> Place:
        own = user.username_key if is_account_name(user.username_key) else COMMON_ACCOUNT
        return cls(terms.cluster or "", terms.namespace, terms.service_account or own)


async def provision(
    clusters: Clusters, place: Place, roles: Sequence[str], *, made_for: str
) -> None:
    """Makes what is missing; may be repeated.

    Only a namespace that is made for this purpose gets the cluster roles: an existing one is
    taken as it is. Raises BadUserInput for an unknown cluster or with the words of the server,
    and Unavailable.
    """
    home = _home(clusters, place.cluster)
    with _explained("namespace"):
        is_ours = await home.ensure_namespace(place.namespace, made_for=made_for)
    with _explained("serviceAccount"):
        await home.ensure_service_account(place.namespace, place.account)
    if is_ours:
        for role in roles:
            with _explained(None):
                await home.ensure_role_binding(place.namespace, place.account, role)


def _home(clusters: Clusters, name: str) -> Cluster:
    if clusters.default is None:
        raise Unavailable(NO_CLUSTER)
    found = clusters.get(name) if name else clusters.default
    if found is None:
        raise BadUserInput(Complaint("There is no cluster of this name.", "cluster"))
    return found


@contextmanager
def _explained(field: str | None) -> Iterator[None]:
    """`field` is what a refusal is about; without one it is the operator's to mend."""
    try:
        yield
    except ClusterUnavailable as outage:
        raise Unavailable(str(outage)) from outage
    except ClusterRefused as refusal:
        if field:
            raise BadUserInput(Complaint(str(refusal), field)) from refusal
        logger.warning("No role for an approved user: %s", refusal)
        raise Unavailable(str(refusal)) from refusal
