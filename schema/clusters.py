from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

import cluster.cluster
import cluster.facts
import models
from resolvers import clusters, credentials
from schema.context import Context, PortalInfo
from schema.enums import MemoryUnit, Permission
from schema.guard import guard
from schema.scalars import BigInt


@strawberry.type(
    description="A Kubernetes cluster, as last observed; facts are null until they first are.",
    directives=guard(Permission.SEE_CLUSTERS),
)
class Cluster:
    name: str = strawberry.field(description="The name under which the portal knows it.")
    api_server_url: str | None = strawberry.field(
        description="Where clients reach its API server; null when it is not configured any more."
    )
    version: str | None = strawberry.field(description="The version of Kubernetes, like `v1.36.0`.")
    node_count: int | None = strawberry.field(description="How many nodes it has.")
    cpu_count: float | None = strawberry.field(
        description="The CPUs of all nodes, a whole number where the sum is one."
    )
    memory_bytes: BigInt | None = strawberry.field(description="The memory of all nodes in bytes.")
    pod_count: int | None = strawberry.field(description="How many pods there are, in any phase.")
    volume_count: int | None = strawberry.field(
        description="How many persistent volumes there are."
    )
    reachable: bool = strawberry.field(description="True when the last observation succeeded.")
    observed_at: datetime | None = strawberry.field(
        description="When the facts were last observed; null when they never were."
    )

    @classmethod
    def of(
        cls, source: cluster.cluster.Cluster, facts: cluster.facts.Facts | None = None
    ) -> Cluster:
        return cls._with(facts or source.facts, source.name, source.api_server_url)

    @classmethod
    def unknown(cls, name: str) -> Cluster:
        return cls._with(cluster.facts.Facts(), name, None)

    @classmethod
    def _with(cls, facts: cluster.facts.Facts, name: str, api_server_url: str | None) -> Cluster:
        cpus = facts.cpu_count
        return cls(
            name=name,
            api_server_url=api_server_url,
            version=facts.version,
            node_count=facts.node_count,
            cpu_count=cpus if cpus is None else int(cpus) if cpus == int(cpus) else float(cpus),
            memory_bytes=None if facts.memory_bytes is None else BigInt(facts.memory_bytes),
            pod_count=facts.pod_count,
            volume_count=facts.volume_count,
            reachable=facts.reachable,
            observed_at=facts.observed_at,
        )

    @strawberry.field(description="The memory of all nodes in another unit, perhaps rounded.")
    def memory(
        self,
        unit: Annotated[MemoryUnit, strawberry.argument(description="The unit of the answer.")],
    ) -> float | None:
        return None if self.memory_bytes is None else self.memory_bytes / unit.value


@strawberry.type(
    description="A token of a service account: a secret.",
    directives=guard(Permission.ISSUE_CREDENTIALS),
)
class ServiceAccountToken:
    value: str = strawberry.field(description="What goes behind `Authorization: Bearer`.")
    expires_at: datetime | None = strawberry.field(
        description="When the API server stops to accept it; null when it never does."
    )


@strawberry.type(
    description="A service account in a cluster.", directives=guard(Permission.SEE_USER)
)
class ServiceAccount:
    row: strawberry.Private[models.ServiceAccount]
    owner: strawberry.Private[models.User]
    cluster: Cluster = strawberry.field(description="The cluster that it belongs to.")
    namespace: str = strawberry.field(description="Its namespace.")
    name: str = strawberry.field(description="Its name within the namespace.")
    qualified_name: str = strawberry.field(description="Both, as `namespace:name`.")

    @classmethod
    def of(cls, row: models.ServiceAccount, owner: models.User, context: Context) -> ServiceAccount:
        home = clusters.cluster_of(context.services.clusters, row)
        return cls(
            row=row,
            owner=owner,
            cluster=Cluster.of(home) if home else Cluster.unknown(row.cluster or "default"),
            namespace=row.namespace,
            name=row.name,
            qualified_name=row.qualified_name,
        )

    @strawberry.field(
        description="A short-lived token, for its owner only; null with an error when the cluster"
        " gives none.",
        directives=guard(Permission.ISSUE_CREDENTIALS),
    )
    async def token(self, info: PortalInfo) -> ServiceAccountToken | None:
        context = info.context
        claim = credentials.claim(context.services, context.actor, self.owner, self.row)
        token = await claim.token()
        return ServiceAccountToken(value=token.value, expires_at=token.expires_at)
