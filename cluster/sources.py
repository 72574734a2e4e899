"""The configuration of clusters: the pod's own service account, or a kubeconfig."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.incluster_config import (
    SERVICE_HOST_ENV_NAME,
    InClusterConfigLoader,
)
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger

from cluster.connection import ClusterConfigError, Connection, CredentialRenewal

IN_CLUSTER = "in-cluster"
_DEFAULT_KUBECONFIG = Path("~/.kube/config")
_PLUGIN_TIMEOUT = 30


async def connect(
    *,
    contexts: Sequence[str],
    kubeconfig: str | None,
    environ: Mapping[str, str],
    service_account_folder: Path,
) -> list[Connection]:
    """The connections in the order of `contexts`, without duplicates.

    Raises ClusterConfigError.
    """
    in_pod = environ.get(SERVICE_HOST_ENV_NAME) and (service_account_folder / "token").exists()
    if not contexts and in_pod:
        return [connect_in_cluster(environ, service_account_folder)]
    files = Kubeconfig.read(kubeconfig)
    return [
        connect_in_cluster(environ, service_account_folder)
        if name == IN_CLUSTER
        else await files.connect(name)
        for name in dict.fromkeys(contexts) or files.current_context
    ]


def connect_in_cluster(environ: Mapping[str, str], service_account_folder: Path) -> Connection:
    """The cluster that the portal runs in. Raises ClusterConfigError."""
    loader = InClusterConfigLoader(
        str(service_account_folder / "token"),
        str(service_account_folder / "ca.crt"),
        environ=environ,
    )
    configuration = Configuration()
    try:
        loader.load_and_set(configuration)
        return Connection(IN_CLUSTER, configuration)
    except (ConfigException, OSError) as error:
        raise ClusterConfigError(f"The pod's own cluster cannot be used: {error}") from error


class Kubeconfig:
    """The contexts of one or several merged kubeconfig files; `config` is None without a file."""

    def __init__(self, source: str, config: Any | None) -> None:
        self._source = source
        self._config = config
        contexts = config["contexts"].value if config else []
        self._names = [str(context["name"]) for context in contexts]

    @classmethod
    def read(cls, kubeconfig: str | None) -> Self:
        """Read the files. Only the default file may be missing. Raises ClusterConfigError."""
        source = kubeconfig or str(_DEFAULT_KUBECONFIG.expanduser())
        paths = [Path(path).expanduser() for path in source.split(os.pathsep) if path]
        if not any(path.exists() for path in paths):
            if kubeconfig:
                raise ClusterConfigError(f"There is no kubeconfig at {source}.")
            return cls(source, None)
        with _translate_errors(source):
            return cls(source, KubeConfigMerger(source).config)

    @property
    def current_context(self) -> list[str]:
        """Its name, or nothing where the files have no contexts. Raises ClusterConfigError."""
        if not self._names:
            return []
        name = self._config.safe_get("current-context") if self._config else None
        if not name:
            raise ClusterConfigError(
                f"{self._source} has no current context; choose one of: {', '.join(self._names)}."
            )
        return [str(name)]

    async def connect(self, name: str) -> Connection:
        """Raises ClusterConfigError for a context that is missing or not usable."""
        if name not in self._names:
            names = ", ".join(self._names) or "none"
            raise ClusterConfigError(
                f"There is no context {name!r} in {self._source}; it has: {names}."
            )
        with _translate_errors(f"Context {name!r} of {self._source}"):
            configuration = await self._load(name)
            _check(configuration)
            return Connection(name, configuration)

    async def _load(self, name: str) -> Configuration:
        loader = KubeConfigLoader(self._config, active_context=name, config_base_path=None)
        # The client's default is http://localhost, which a context without server would keep.
        configuration = Configuration(host="")
        async with asyncio.timeout(_PLUGIN_TIMEOUT):
            await loader.load_and_set(configuration)
        configuration.refresh_api_key_hook = CredentialRenewal(loader)  # type: ignore[assignment]
        return configuration


def _check(configuration: Configuration) -> None:
    """Raises ConfigException for what the client accepts and the portal does not."""
    if not configuration.host:
        raise ConfigException("its cluster has no server.")
    if not configuration.verify_ssl:
        raise ConfigException(
            "it sets insecure-skip-tls-verify; give its certificate-authority instead."
        )
    has_credentials = configuration.api_key or configuration.cert_file
    if configuration.host.startswith("https:") and not has_credentials:
        raise ConfigException("its user has no credentials, or an exec plugin that gives none.")


@contextmanager
def _translate_errors(what: str) -> Iterator[None]:
    try:
        yield
    except (ConfigException, yaml.YAMLError, OSError) as error:
        reason = " ".join(str(error).split()) or "it takes too long."
        raise ClusterConfigError(f"{what} cannot be used: {reason}") from error
    # The loader raises TypeError, KeyError, AttributeError and others for malformed files.
    except Exception as error:
        raise ClusterConfigError(
            f"{what} cannot be used: it is not a complete kubeconfig."
        ) from error
