"""A Kubernetes cluster as the portal knows it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.connection import Caller, ClusterUnavailable, Connection
from cluster.facts import Facts, Observer, Poller, Snapshot
from cluster.kubeconfig import ExecCredential, Server, render_kubeconfig
from cluster.provisioning import Provisioner
from cluster.tokens import SHORTEST_LIFETIME, ServiceAccountToken, TokenCache, TokenIssuer

# Who only names a cluster is spared the half second that the Kubernetes client takes to load.
if TYPE_CHECKING:
    from cluster.connection import Connection
    from cluster.facts import Observer
    from cluster.provisioning import Provisioner
    from cluster.tokens import TokenIssuer

_PATIENCE_AT_START = 2.0


class Cluster:
    """Facts, tokens, provisioning and kubeconfig of one cluster.

    `api_server_external` is the URL that users see when it differs from the portal's own.
    `facts_interval` is the time between two observations.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        observer: Observer,
        issuer: TokenIssuer,
        provisioner: Provisioner,
        facts_interval: timedelta,
        clock: Callable[[], datetime],
        api_server_external: str | None = None,
    ) -> None:
        self.name = connection.name
        self._connection = connection
        self._external = api_server_external
        self._issuer = issuer
        self._provisioner = provisioner
        self._snapshot = Snapshot()
        self._tokens = TokenCache(clock=clock)
        self._poller = Poller(
            self.name,
            observer.observe,
            self._snapshot,
            interval=facts_interval.total_seconds(),
            clock=clock,
        )

    @property
    def api_server_url(self) -> str:
        """The URL under which users reach the API server."""
        return self._external or self._connection.host

    @property
    def facts(self) -> Facts:
        """The newest snapshot; before the first observation it is empty and not reachable."""
        return self._snapshot.facts

    def watch_facts(self) -> AsyncGenerator[Facts, None]:
        """The current facts, then only changes; ends when the cluster is closed.

        A slow watcher gets the newest facts only and delays nobody.
        """
        return self._snapshot.watch()

    async def start(self) -> None:
        """Start observing; waits for the first observation, but for two seconds at most."""
        await self._poller.start(patience=_PATIENCE_AT_START)

    async def close(self) -> None:
        """Stop observing, end all watches, close the connections."""
        await self._poller.close()
        self._snapshot.close()
        await self._connection.close()
        await self._tokens.close()

    async def issue_token(
        self, namespace: str, service_account: str, *, lifetime: timedelta
    ) -> ServiceAccountToken:
        """A token of the account, from the cache while it is fresh.

        The server decides about the expiry; it is asked for ten minutes at least. Raises
        ClusterRefused (404 for an unknown account) or ClusterUnavailable, the latter at once
        when the facts say so.
        """
        lifetime = max(lifetime, SHORTEST_LIFETIME)

        async def issue() -> ServiceAccountToken:
            if self._poller.attempted and not self.facts.reachable:
                raise ClusterUnavailable(f"Cluster {self.name!r} cannot be reached.")
            return await self._issuer.issue(namespace, service_account, lifetime)

        return await self._tokens.get((namespace, service_account, lifetime), issue)

    async def ensure_namespace(self, name: str, *, made_for: str | None = None) -> bool:
        """True when the namespace was created now, False when it existed.

        It remembers what it was `made_for`: repeated for the same purpose, the answer is True
        again, so that an interrupted provisioning can be completed. Raises ClusterRefused with
        the server's words (422 for an impossible name), or ClusterUnavailable.
        """
        return await self._provisioner.ensure_namespace(name, made_for)

    async def ensure_service_account(self, namespace: str, name: str) -> bool:
        """True when the account was created now, False when it existed. Raises ClusterError."""
        created = await self._provisioner.ensure_service_account(namespace, name)
        if created:
            self._tokens.forget(namespace, name)
        return created

    async def ensure_role_binding(
        self, namespace: str, service_account: str, cluster_role: str
    ) -> bool:
        """Bind the cluster role to the account, within its namespace only.

        True when the binding was created now, False when it existed. Raises ClusterError.
        """
        return await self._provisioner.ensure_role_binding(namespace, service_account, cluster_role)

    def kubeconfig(
        self,
        *,
        user: str,
        namespace: str,
        credential: ServiceAccountToken | ExecCredential,
        cluster_name: str | None = None,
    ) -> str:
        """A kubeconfig for kubectl as YAML; `cluster_name` is how the file calls the cluster."""
        return render_kubeconfig(
            cluster=cluster_name or self.name,
            server=self._server(),
            user=user,
            namespace=namespace,
            credential=credential,
        )

    def _server(self) -> Server:
        # The server name belongs to the portal's own address, not to the external one.
        sni = None if self._external else self._connection.tls_server_name
        return Server(self.api_server_url, self._connection.ca_pem, sni)


def assemble(
    connection: Connection,
    *,
    api_server_external: str | None,
    facts_interval: timedelta,
    token_timeout: timedelta,
    request_timeout: timedelta,
    clock: Callable[[], datetime],
) -> Cluster:
    """`token_timeout` limits all calls for one token, `request_timeout` every other call."""
    # A call that hangs must not use up the time in which recovery is to be noticed.
    patience = min(facts_interval, request_timeout)
    return Cluster(
        connection,
        observer=Observer(Caller(connection, seconds=patience.total_seconds())),
        issuer=TokenIssuer(connection, timeout=token_timeout.total_seconds()),
        provisioner=Provisioner(Caller(connection, seconds=request_timeout.total_seconds())),
        facts_interval=facts_interval,
        clock=clock,
        api_server_external=api_server_external,
    )


SERVICE_ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Clusters:
    """Read-only, in the order of the configuration; the first is the default cluster."""

    def __init__(self, clusters: Sequence[Cluster] = ()) -> None:
        self._by_name = {cluster.name: cluster for cluster in clusters}

    def __iter__(self) -> Iterator[Cluster]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def default(self) -> Cluster | None:
        """The first cluster; None when the portal runs without one."""
        return next(iter(self), None)

    def get(self, name: str) -> Cluster | None:
        return self._by_name.get(name)

    async def start(self) -> None:
        """Start all at once; takes as long as the slowest, two seconds at most."""
        await asyncio.gather(*(cluster.start() for cluster in self))

    async def close(self) -> None:
        await asyncio.gather(*(cluster.close() for cluster in self))


def utc_now() -> datetime:
    return datetime.now(UTC)


async def load_clusters(
    *,
    contexts: Sequence[str] = (),
    kubeconfig: str | None = None,
    api_server_external: str | None = None,
    facts_interval: timedelta = timedelta(seconds=10),
    token_timeout: timedelta = timedelta(seconds=0.8),
    request_timeout: timedelta = timedelta(seconds=5),
    clock: Callable[[], datetime] = utc_now,
    environ: Mapping[str, str] = os.environ,
    service_account_folder: Path = SERVICE_ACCOUNT_FOLDER,
) -> Clusters:
    """Connect to the configured clusters, without asking them anything yet.

    Without `contexts`: the cluster that the portal runs in, else the current context of the
    kubeconfig, else none. `contexts` name contexts of the kubeconfig, or `in-cluster`.
    `kubeconfig` is one path or several as in KUBECONFIG; None is `~/.kube/config` where it
    exists. `api_server_external` is the URL of the default cluster that users see.
    `facts_interval` is the time between two observations, `token_timeout` limits all calls for
    one token, `request_timeout` every other call. Raises ClusterConfigError.
    Reads files and loads large libraries: call it at start-up.
    """
    # Only who connects needs the Kubernetes client, which takes half a second to load.
    from cluster.sources import connect

    connections = await connect(
        contexts=contexts,
        kubeconfig=kubeconfig,
        environ=environ,
        service_account_folder=service_account_folder,
    )
    return Clusters(
        [
            assemble(
                connection,
                api_server_external=None if position else api_server_external,
                facts_interval=facts_interval,
                token_timeout=token_timeout,
                request_timeout=request_timeout,
                clock=clock,
            )
            for position, connection in enumerate(connections)
        ]
    )
