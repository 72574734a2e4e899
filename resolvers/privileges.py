"""Service accounts with rights outside their namespace, which users must not get.

An administrator of the portal would become one of the cluster by approving such an account, above
all that of the portal itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from cluster.bindings import BindingIndex
from cluster.cluster import Clusters
from cluster.connection import ClusterError
from models import ServiceAccount

UNCHECKED = "Rights of service accounts are checked only when a token is issued: {}"


@dataclass(frozen=True, slots=True)
class ForeignBindings:
    """The bindings of all clusters, read before a transaction that gives many users an account.

    problem: why they are incomplete; None when they are not.
    """

    problem: str | None = None
    _by_cluster: Mapping[str, BindingIndex] = field(default_factory=dict)

    @classmethod
    async def read(cls, clusters: Clusters) -> Self:
        problem = None if clusters.default else "No cluster is configured."
        by_cluster: dict[str, BindingIndex] = {}
        for cluster in clusters:
            try:
                by_cluster[cluster.name] = await cluster.read_bindings()
            except ClusterError as error:
                problem = str(error)
        if clusters.default and clusters.default.name in by_cluster:
            by_cluster[""] = by_cluster[clusters.default.name]
        return cls(problem, by_cluster)

    @property
    def unchecked(self) -> str:
        return UNCHECKED.format(self.problem)

    def error(self, account: ServiceAccount) -> str | None:
        """The error for an account that must not be given to a user."""
        bindings = self._by_cluster.get(account.cluster)
        binding = bindings and bindings.foreign(account.namespace, account.name)
        return privilege_error(binding) if binding else None


def privilege_error(binding: str) -> str:
    return f"This service account has rights outside its namespace: {binding}."
