from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import cluster.cluster
import cluster.facts
import models
from resolvers import clusters, credentials
from resolvers import credentials as issues
from resolvers.pages import BY_ID, page, page_arguments
from schema.context import Context, PortalInfo
from schema.enums import CredentialKind, Direction, MemoryUnit, Permission
from schema.guard import guard
from schema.relay import (
    After,
    Before,
    Chronology,
    Connection,
    First,
    Last,
    LazyUser,
    Node,
    global_id,
    user_of,
)
from schema.scalars import BigInt

if TYPE_CHECKING:
    from schema.users import User


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


Seconds = Annotated[
    int | None,
    strawberry.argument(
        description="How long a token lasts: from 600 s to the portal's own lifetime of tokens"
        " (`KUBEPORTAL_TOKEN_LIFETIME`), which is the default. Tokens are reused, so that a fifth"
        " of it may be what is left; none outlives the access, but for the least of 600 s."
    ),
]
Exec = Annotated[
    bool,
    strawberry.argument(
        description="True: the file holds no token, but names `kubeportal credential`, by which"
        " kubectl gets one whenever it needs one."
    ),
]
IssuingCluster = Annotated[
    str | None,
    strawberry.argument(
        description="The cluster that the token will be sent to: FORBIDDEN unless the service"
        " account is there. Without one, whichever it is in."
    ),
]


@strawberry.type(
    description="A credential that was handed out: readable by its owner and admins.",
    directives=guard(Permission.SEE_CREDENTIAL_ISSUE),
)
class CredentialIssue(Node):
    row: strawberry.Private[models.CredentialIssue]
    kind: CredentialKind = strawberry.field(description="In which form it was handed out.")
    username: str = strawberry.field(description="Who got it, by the name of that time.")
    cluster: str = strawberry.field(description="The name of the cluster that it is for.")
    namespace: str = strawberry.field(description="The namespace of the service account.")
    account_name: str = strawberry.field(description="The name of the service account.")
    issued_at: datetime = strawberry.field(
        description="When it was handed out first, in this form, session and from this address."
    )
    expires_at: datetime | None = strawberry.field(
        description="When the API server stops to accept it; null when it never does."
    )
    address: str = strawberry.field(description="The network address that it was sent to.")
    client: str = strawberry.field(description="What the client called itself, may be empty.")
    fingerprint: str = strawberry.field(
        description="The SHA-256 of the token in hexadecimal digits: it finds who got a leaked one."
    )

    @classmethod
    def of(cls, row: models.CredentialIssue) -> CredentialIssue:
        return cls(
            row=row,
            id=global_id("CredentialIssue", row.id),
            kind=row.kind,
            username=row.username,
            cluster=row.cluster,
            namespace=row.namespace,
            account_name=row.service_account,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            address=row.address,
            client=row.client,
            fingerprint=row.fingerprint,
        )

    @strawberry.field(description="Who got it; null when the account of the portal is gone.")
    def user(self) -> LazyUser | None:
        return user_of(self.row.user) if self.row.user else None


async def _claim(owner: User, context: Context) -> credentials.Claim:
    account = await context.loaders.own_account()
    return credentials.claim(context.services, context.actor, owner.row, account)


@strawberry.field(
    description="The file for kubectl, in YAML: a secret unless `exec` is true. For its owner with"
    " approved access only; null with an error when the cluster gives no token.",
    directives=guard(Permission.ISSUE_CREDENTIALS),
)
async def kubeconfig(
    root: User,
    info: PortalInfo,
    expires_in_seconds: Seconds = None,
    exec: Exec = False,
) -> str | None:
    claim = await _claim(root, info.context)
    return await claim.kubeconfig(seconds=expires_in_seconds, plugin=exec)


@strawberry.field(
    description="A token for `kubeportal credential`, which a kubeconfig with `exec` names. For its"
    " owner with approved access only; null with an error when the cluster gives none.",
    directives=guard(Permission.ISSUE_CREDENTIALS),
)
async def exec_credential(
    root: User,
    info: PortalInfo,
    cluster: IssuingCluster = None,
    expires_in_seconds: Seconds = None,
) -> ServiceAccountToken | None:
    claim = await _claim(root, info.context)
    token = await claim.exec_token(cluster, expires_in_seconds)
    return ServiceAccountToken(value=token.value, expires_at=token.expires_at)


@strawberry.field(
    description="The credentials that were handed out, by time, the oldest first if nothing else is"
    " said. For their owner only; administrators find all of them under `admin`.",
    directives=guard(Permission.LIST_CREDENTIAL_ISSUES),
)
async def credential_issues(
    root: User,
    info: PortalInfo,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    direction: Chronology = Direction.ASC,
) -> Connection[CredentialIssue] | None:
    query = issues.own(info.context.actor, root.row)
    order = BY_ID.directed(direction)
    found = await page(query, page_arguments(first, after, last, before, order))
    return Connection[CredentialIssue].of(found, CredentialIssue.of, query.count)
