"""The clusters of the portal: everything that it does with Kubernetes, behind one class."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cluster.bindings import BindingIndex, Bindings, Removal
from cluster.connection import (
    ClusterUnavailable,
    Connection,
    PrivilegedAccount,
    translate_errors,
)
from cluster.facts import Facts, Observer, Poller, Snapshot
from cluster.kubeconfig import ExecCredential, Server, render_kubeconfig
from cluster.provisioning import Provisioner
from cluster.sources import connect
from cluster.tokens import SHORTEST_LIFETIME, ServiceAccountToken, TokenCache, TokenIssuer

logger = logging.getLogger(__name__)

_START_TIMEOUT = 2.0
SERVICE_ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
NO_CA = (
    "Cluster %r: kubeconfig files for users contain no certificate authority for %s, as the portal"
    " itself uses plain HTTP. Set KUBEPORTAL_API_SERVER_CA_FILE unless all systems trust it."
)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Cluster:
    """Facts, tokens, provisioning and kubeconfig of one cluster.

    `api_server_external` is the URL for users where it differs from the portal's own, and
    `api_server_ca` is the certificate authority for it (PEM).
    `facts_interval` is the time between two observations, `token_timeout` limits all calls for
    one token, `request_timeout` every other call.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        facts_interval: timedelta,
        token_timeout: timedelta,
        request_timeout: timedelta,
        clock: Callable[[], datetime],
        api_server_external: str | None = None,
        api_server_ca: bytes | None = None,
    ) -> None:
        self.name = connection.name
        self._connection = connection
        self._external = api_server_external
        self._ca_pem = api_server_ca or connection.ca_pem
        self._issuer = TokenIssuer(connection, timeout=token_timeout.total_seconds())
        self._provisioner = Provisioner(connection, timeout=request_timeout.total_seconds())
        self._bindings = Bindings(connection, timeout=request_timeout.total_seconds(), clock=clock)
        self._tokens = TokenCache(clock=clock)
        self._snapshot = Snapshot()
        # A hanging call must not delay the observation that would notice the recovery.
        timeout = min(facts_interval, request_timeout)
        self._observer = Observer(connection, timeout=timeout.total_seconds())
        self._poller = Poller(
            self.name,
            self._observer.observe,
            self._snapshot,
            interval=facts_interval.total_seconds(),
            clock=clock,
        )

    @property
    def api_server_url(self) -> str:
        """The URL of the API server for users."""
        return self._external or self._connection.host

    @property
    def facts(self) -> Facts:
        """The newest facts; before the first observation they are empty and not reachable."""
        return self._snapshot.facts

    def watch_facts(self) -> AsyncGenerator[Facts, None]:
        """The current facts, then each change, until the cluster is closed.

        A slow watcher gets only the newest facts and does not delay others.
        """
        return self._snapshot.watch()

    async def start(self) -> None:
        """Start observing, and wait up to two seconds for the first observation."""
        schemes = (urlsplit(self._connection.host).scheme, urlsplit(self.api_server_url).scheme)
        if schemes == ("http", "https") and not self._ca_pem:
            logger.warning(NO_CA, self.name, self.api_server_url)
        await self._poller.start(wait_seconds=_START_TIMEOUT)

    async def read_version(self) -> str:
        """The version of the API server, in up to two seconds. Raises ClusterError."""
        with translate_errors(self.name):
            async with asyncio.timeout(_START_TIMEOUT):
                return await self._observer.version()

    async def close(self) -> None:
        """Stop observing, end all watches, close the connections."""
        await self._poller.close()
        self._snapshot.close()
        await self._connection.close()
        await self._tokens.close()

    async def issue_token(
        self, namespace: str, service_account: str, *, lifetime: timedelta
    ) -> ServiceAccountToken:
        """A token of the service account, from the cache while it is fresh.

        The requested lifetime is at least ten minutes; the server may shorten it. Raises
        ClusterRefused (404 for an unknown account), PrivilegedAccount, or ClusterUnavailable, the
        latter without a call while the cluster is known to be unreachable.
        """
        lifetime = max(lifetime, SHORTEST_LIFETIME)

        async def issue() -> ServiceAccountToken:
            if self._poller.problem:
                raise ClusterUnavailable(str(self._poller.problem))
            token = await self._issuer.issue(namespace, service_account, lifetime)
            # After the call with the shorter timeout, which notices first that the cluster hangs.
            if binding := await self.foreign_binding(namespace, service_account):
                raise PrivilegedAccount(binding)
            return token

        return await self._tokens.get((namespace, service_account, lifetime), issue)

    async def ensure_namespace(
        self, name: str, *, made_for: str, ours: Collection[str] = ()
    ) -> bool:
        """Create the namespace unless it exists; returns whether it was created.

        The namespace is annotated with `made_for`. A later call with the same value, or with this
        value among `ours`, returns True again, so that an interrupted provisioning can be repeated
        and a user can return to their namespace. Raises ClusterRefused (422 for an invalid name) or
        ClusterUnavailable.
        """
        return await self._provisioner.ensure_namespace(name, made_for, ours)

    async def ensure_service_account(self, namespace: str, name: str) -> bool:
        """Create the account unless it exists; returns whether it was created.

        Raises ClusterError.
        """
        created = await self._provisioner.ensure_service_account(namespace, name)
        if created:
            self._tokens.forget(namespace, name)
        return created

    async def ensure_role_binding(
        self, namespace: str, service_account: str, cluster_role: str, *, key: str
    ) -> bool:
        """Bind the cluster role to the account, within its namespace only, unless it is bound.

        The binding has the label `kubeportal/approval: key`. Returns whether it was created. Raises
        ClusterError.
        """
        return await self._provisioner.ensure_role_binding(
            namespace, service_account, cluster_role, key
        )

    async def foreign_binding(self, namespace: str, service_account: str) -> str | None:
        """The first binding that gives the account rights outside its namespace.

        Raises ClusterError.
        """
        return (await self.read_bindings()).foreign(namespace, service_account)

    async def read_bindings(self) -> BindingIndex:
        """All bindings of the cluster, cached for 30 seconds. Raises ClusterError."""
        return await self._bindings.read()

    async def remove_role_bindings(self, key: str, namespace: str, service_account: str) -> Removal:
        """Delete the role bindings with the label of this key, and nothing else.

        The result names the other bindings of the account. Raises ClusterError; a retry continues.
        """
        return await self._bindings.remove(key, namespace, service_account)

    def kubeconfig(
        self,
        *,
        user: str,
        namespace: str,
        credential: ServiceAccountToken | ExecCredential,
        cluster_name: str | None = None,
    ) -> str:
        """A kubeconfig for kubectl as YAML; `cluster_name` is the name of the cluster in it."""
        # The TLS server name belongs to the portal's own URL, not to the external one.
        tls_server_name = None if self._external else self._connection.tls_server_name
        return render_kubeconfig(
            cluster=cluster_name or self.name,
            server=Server(self.api_server_url, self._ca_pem, tls_server_name),
            user=user,
            namespace=namespace,
            credential=credential,
        )


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
        """Start all clusters concurrently; waits up to two seconds."""
        await asyncio.gather(*(cluster.start() for cluster in self))

    async def close(self) -> None:
        await asyncio.gather(*(cluster.close() for cluster in self))


async def load_clusters(
    *,
    contexts: Sequence[str] = (),
    kubeconfig: str | None = None,
    api_server_external: str | None = None,
    api_server_ca: bytes | None = None,
    facts_interval: timedelta = timedelta(seconds=10),
    token_timeout: timedelta = timedelta(seconds=0.8),
    request_timeout: timedelta = timedelta(seconds=5),
    clock: Callable[[], datetime] = utc_now,
    environ: Mapping[str, str] = os.environ,
    service_account_folder: Path = SERVICE_ACCOUNT_FOLDER,
) -> Clusters:
    """Prepare the configured clusters, without any call to their API servers.

    Without `contexts`: the cluster that the portal runs in, else the current context of the
    kubeconfig, else none. `contexts` are names of contexts of the kubeconfig, or `in-cluster`.
    `kubeconfig` is one path or several as in KUBECONFIG; None is `~/.kube/config` where it
    exists. `api_server_external` and `api_server_ca` are for the default cluster. Raises
    ClusterConfigError.
    """
    connections = await connect(
        contexts=contexts,
        kubeconfig=kubeconfig,
        environ=environ,
        service_account_folder=service_account_folder,
    )
    return Clusters(
        [
            Cluster(
                connection,
                api_server_external=None if position else api_server_external,
                api_server_ca=None if position else api_server_ca,
                facts_interval=facts_interval,
                token_timeout=token_timeout,
                request_timeout=request_timeout,
                clock=clock,
            )
            for position, connection in enumerate(connections)
        ]
    )
