"""Where the portal finds its clusters: the pod that it runs in, or a kubeconfig."""

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

from cluster.connection import ClusterConfigError, Connection, Renewal

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


_DEFAULT = Path("~/.kube/config")
_SECONDS_FOR_PLUGINS = 30


class Contexts:
    """What one or several merged kubeconfig files offer; `config` is None when there is none."""

    def __init__(self, source: str, config: Any | None) -> None:
        self._source = source
        self._config = config
        contexts = config["contexts"].value if config else []
        self._names = [str(context["name"]) for context in contexts]

    @classmethod
    def read(cls, kubeconfig: str | None) -> Self:
        """Read the files; a missing default file is no error. Raises ClusterConfigError."""
        source = kubeconfig or str(_DEFAULT.expanduser())
        paths = [Path(path).expanduser() for path in source.split(os.pathsep) if path]
        if not any(path.exists() for path in paths):
            if kubeconfig:
                raise ClusterConfigError(f"There is no kubeconfig at {source}.")
            return cls(source, None)
        with _usable(source):
            return cls(source, KubeConfigMerger(source).config)

    @property
    def current(self) -> list[str]:
        """The current context; nothing without any context. Raises ClusterConfigError."""
        if not self._names:
            return []
        name = self._config.safe_get("current-context") if self._config else None
        if not name:
            raise ClusterConfigError(
                f"{self._source} has no current context; choose one of: {', '.join(self._names)}."
            )
        return [str(name)]

    async def connect(self, name: str) -> Connection:
        """Raises ClusterConfigError for a missing context or one that cannot be used."""
        if name not in self._names:
            known = ", ".join(self._names) or "none"
            raise ClusterConfigError(
                f"There is no context {name!r} in {self._source}; it has: {known}."
            )
        with _usable(f"Context {name!r} of {self._source}"):
            configuration = await self._configuration(name)
            complaint = _complaint(configuration)
            if complaint:
                raise ConfigException(complaint)
            return Connection(name, configuration)

    async def _configuration(self, name: str) -> Configuration:
        loader = KubeConfigLoader(self._config, active_context=name, config_base_path=None)
        configuration = Configuration(host="")
        async with asyncio.timeout(_SECONDS_FOR_PLUGINS):
            await loader.load_and_set(configuration)
        configuration.refresh_api_key_hook = Renewal(loader)  # type: ignore[assignment]
        return configuration


def _complaint(configuration: Configuration) -> str | None:
    """Why the portal will not use a configuration that the client would take."""
    if not configuration.host:
        return "its cluster has no server."
    if not configuration.verify_ssl:
        return "it sets insecure-skip-tls-verify; give its certificate-authority instead."
    has_credentials = configuration.api_key or configuration.cert_file
    if configuration.host.startswith("https:") and not has_credentials:
        return "its user has no credentials, or an exec plugin that gives none."
    return None


@contextmanager
def _usable(what: str) -> Iterator[None]:
    try:
        yield
    except (ConfigException, yaml.YAMLError, OSError) as error:
        reason = " ".join(str(error).split()) or "it takes too long."
        raise ClusterConfigError(f"{what} cannot be used: {reason}") from error
    # Malformed files fail in as many ways as there are types.
    except Exception as error:
        raise ClusterConfigError(
            f"{what} cannot be used: it is not a complete kubeconfig."
        ) from error
