"""The clusters that a portal serves."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cluster.cluster import Cluster

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
    from cluster.assembly import assemble
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
