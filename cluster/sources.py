"""Where the portal finds its clusters: the pod that it runs in, or a kubeconfig."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.incluster_config import (
    SERVICE_HOST_ENV_NAME,
    InClusterConfigLoader,
)

from cluster.connection import Connection
from cluster.contexts import Contexts
from cluster.errors import ClusterConfigError

IN_CLUSTER = "in-cluster"


async def connect(
    *,
    contexts: Sequence[str],
    kubeconfig: str | None,
    environ: Mapping[str, str],
    service_account_folder: Path,
) -> list[Connection]:
    """The connections in the order of `contexts`, each once. Raises ClusterConfigError."""
    pod = _Pod(environ, service_account_folder)
    if not contexts and pod.is_one:
        return [pod.connect()]
    files = Contexts.read(kubeconfig)
    names = list(dict.fromkeys(contexts)) or files.current
    return [pod.connect() if name == IN_CLUSTER else await files.connect(name) for name in names]


class _Pod:
    """The surroundings of the process, in case it runs in a cluster."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = environ
        self._token = folder / "token"
        self._authority = folder / "ca.crt"

    @property
    def is_one(self) -> bool:
        return bool(self._environ.get(SERVICE_HOST_ENV_NAME)) and self._token.exists()

    def connect(self) -> Connection:
        configuration = Configuration()
        try:
            self._load(configuration)
            return Connection(IN_CLUSTER, configuration)
        except (ConfigException, OSError) as error:
            raise ClusterConfigError(f"The pod's own cluster cannot be used: {error}") from error

    def _load(self, configuration: Configuration) -> None:
        loader = InClusterConfigLoader(
            str(self._token), str(self._authority), environ=self._environ
        )
        loader.load_and_set(configuration)
