"""Clusters, service accounts, and credentials for them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import cluster.cluster
import cluster.facts
import models
from resolvers import clusters, credentials
from resolvers.pages import BY_ID, page_arguments
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
    from schema.types import User


@strawberry.type(
    description="A Kubernetes cluster with its last observed facts, which are null before the first"
    " observation.",
    directives=guard(Permission.SEE_CLUSTERS),
)
class Cluster:
    name: str = strawberry.field(description="The name of the cluster in the portal.")
    api_server_url: str | None = strawberry.field(
        description="The URL of the API server for clients; null when the cluster is no longer"
        " configured."
    )
    version: str | None = strawberry.field(description="The Kubernetes version, such as `v1.36.0`.")
    node_count: int | None = strawberry.field(description="Number of nodes.")
    cpu_count: float | None = strawberry.field(
        description="Number of CPUs of all nodes; a whole number if the sum is one."
    )
    memory_bytes: BigInt | None = strawberry.field(description="Memory of all nodes in bytes.")
    pod_count: int | None = strawberry.field(description="Number of pods in any phase.")
    volume_count: int | None = strawberry.field(description="Number of persistent volumes.")
    reachable: bool = strawberry.field(description="Whether the last observation succeeded.")
    observed_at: datetime | None = strawberry.field(
        description="Time of the observation of the facts; null before the first one."
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

    @strawberry.field(description="Memory of all nodes in another unit; may be rounded.")
    def memory(
        self,
        unit: Annotated[MemoryUnit, strawberry.argument(description="The unit of the result.")],
    ) -> float | None:
        return None if self.memory_bytes is None else self.memory_bytes / unit.value


@strawberry.type(
    description="A token of a service account, which is a secret. Readable by the owner of the"
    " service account.",
    directives=guard(Permission.ISSUE_CREDENTIALS),
)
class ServiceAccountToken:
    value: str = strawberry.field(description="The token for the header `Authorization: Bearer`.")
    expires_at: datetime | None = strawberry.field(
        description="Expiry time at the API server; null when the token does not expire."
    )


@strawberry.type(
    description="A service account in a cluster. Readable by its owner and by administrators.",
    directives=guard(Permission.SEE_USER),
)
class ServiceAccount:
    row: strawberry.Private[models.ServiceAccount]
    owner: strawberry.Private[models.User]
    cluster: Cluster = strawberry.field(description="The cluster of the service account.")
    namespace: str = strawberry.field(description="The namespace of the service account.")
    name: str = strawberry.field(description="The name of the service account.")
    qualified_name: str = strawberry.field(description="Namespace and name as `namespace:name`.")

    @classmethod
    def of_user(
        cls, row: models.ServiceAccount | None, owner: models.User, context: Context
    ) -> ServiceAccount | None:
        if row is None:
            return None
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
        description="A short-lived token. Readable by the owner only; null with an error when the"
        " cluster issues none.",
        directives=guard(Permission.ISSUE_CREDENTIALS),
    )
    async def token(self, info: PortalInfo) -> ServiceAccountToken | None:
        context = info.context
        claim = credentials.claim(context.services, context.actor, self.owner)
        token = await claim.token()
        return ServiceAccountToken(value=token.value, expires_at=token.expires_at)


Seconds = Annotated[
    int | None,
    strawberry.argument(
        description="The lifetime of the token in seconds, from 600 to the operator's"
        " `KUBEPORTAL_TOKEN_LIFETIME`, which is the default. Tokens are reused while at least a"
        " fifth of their lifetime is left. A token expires with the user's access, or at the"
        " minimum of 600 seconds."
    ),
]
Exec = Annotated[
    bool,
    strawberry.argument(
        description="Whether the file names the command `kubeportal credential`, from which kubectl"
        " gets tokens, instead of containing a token."
    ),
]
IssuingCluster = Annotated[
    str | None,
    strawberry.argument(
        description="The name of the cluster that the token will be sent to. FORBIDDEN if the"
        " service account is in another cluster. By default, the cluster of the service account."
    ),
]


@strawberry.type(
    description="The record of an issued credential. Readable by its owner and by administrators.",
    directives=guard(Permission.SEE_CREDENTIAL_ISSUE),
)
class CredentialIssue(Node):
    row: strawberry.Private[models.CredentialIssue]
    kind: CredentialKind = strawberry.field(description="The form of the credential.")
    username: str = strawberry.field(description="The user name of the owner at that time.")
    cluster: str = strawberry.field(description="The name of the cluster.")
    namespace: str = strawberry.field(description="The namespace of the service account.")
    account_name: str = strawberry.field(description="The name of the service account.")
    issued_at: datetime = strawberry.field(
        description="Time when it was first issued in this form, to this session and address."
    )
    expires_at: datetime | None = strawberry.field(
        description="Expiry time of the token; null when it does not expire."
    )
    address: str = strawberry.field(description="The network address of the client.")
    client: str = strawberry.field(description="The `User-Agent` of the client; may be empty.")
    fingerprint: str = strawberry.field(
        description="The SHA-256 hash of the token in hexadecimal digits, which identifies the"
        " owner of a leaked token."
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

    @strawberry.field(description="The owner; null after the account was deleted.")
    def user(self) -> LazyUser | None:
        return user_of(self.row.user) if self.row.user else None


def _claim(owner: User, context: Context) -> credentials.Claim:
    return credentials.claim(context.services, context.actor, owner.row)


@strawberry.field(
    description="The kubeconfig file in YAML, which is a secret unless `exec` is true. Readable by"
    " the user with approved access only; null with an error when the cluster issues no token.",
    directives=guard(Permission.ISSUE_CREDENTIALS),
)
async def kubeconfig(
    root: User,
    info: PortalInfo,
    expires_in_seconds: Seconds = None,
    exec: Exec = False,
) -> str | None:
    claim = _claim(root, info.context)
    return await claim.kubeconfig(seconds=expires_in_seconds, plugin=exec)


@strawberry.field(
    description="A token for the command `kubeportal credential`, which a kubeconfig with `exec`"
    " names. Readable by the user with approved access only; null with an error when the cluster"
    " issues none.",
    directives=guard(Permission.ISSUE_CREDENTIALS),
)
async def exec_credential(
    root: User,
    info: PortalInfo,
    cluster: IssuingCluster = None,
    expires_in_seconds: Seconds = None,
) -> ServiceAccountToken | None:
    claim = _claim(root, info.context)
    token = await claim.exec_token(cluster, expires_in_seconds)
    return ServiceAccountToken(value=token.value, expires_at=token.expires_at)


@strawberry.field(
    description="The issued credentials, oldest first by default. Readable by the user only;"
    " administrators read all records under `admin`.",
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
    query = credentials.own(info.context.actor, root.row)
    arguments = page_arguments(first, after, last, before, BY_ID.directed(direction))
    return await Connection[CredentialIssue].read(query, arguments, CredentialIssue.of)
