"""What can go wrong between the portal and a cluster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import ClientResponse
from kubernetes.aio.client import (
    ApiClient,
    Configuration,
    CoreV1Api,
    RbacAuthorizationV1Api,
    VersionApi,
)
from kubernetes.aio.config.kube_config import KubeConfigLoader
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel


class Answer(BaseModel):
    """Any JSON object, of which nothing is of interest."""

    # Errors are logged, and an answer may hold a token.
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, hide_input_in_errors=True)


class Version(Answer):
    git_version: str


class ListMetadata(Answer):
    continuation: str | None = Field(None, alias="continue")
    remaining_item_count: int | None = None


class ObjectList(Answer):
    """A page of a list; an empty list of metadata comes as null."""

    metadata: ListMetadata
    items: list[Answer] | None


class Capacity(Answer):
    cpu: str = "0"
    memory: str = "0"


class NodeStatus(Answer):
    """A node that has not reported yet has no capacity."""

    capacity: Capacity = Capacity()


class Node(Answer):
    status: NodeStatus


class NodeList(Answer):
    metadata: ListMetadata
    items: list[Node] | None


class TokenStatus(Answer):
    token: str = Field(repr=False)
    expiration_timestamp: AwareDatetime


class TokenRequest(Answer):
    status: TokenStatus


class Reference(Answer):
    name: str


class ServiceAccount(Answer):
    secrets: list[Reference] | None = None


class Metadata(Answer):
    annotations: dict[str, str] | None = None


class Namespace(Answer):
    metadata: Metadata


class Secret(Answer):
    type: str = ""
    metadata: Metadata
    data: dict[str, str] | None = Field(None, repr=False)


class Failure(Answer):
    """What the server says about a request that it does not fulfil."""

    message: str


class ClusterError(Exception):
    """A cluster did not do what was asked; the message is safe to show to a user."""


class ClusterUnavailable(ClusterError):
    """The cluster cannot be reached, is too slow, or misbehaves; trying later may help."""


class ClusterRefused(ClusterError):
    """The cluster answered and said no, in words; trying the same again will not help.

    `status` is the HTTP status of the answer: 403, 404, 422, ….
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ClusterConfigError(ClusterError):
    """The configuration of the clusters cannot be used; the message says what to do."""


# Client errors that say nothing about the request itself: our credentials, or the time.
_NOT_THE_REQUEST = frozenset({401, 408, 410, 425, 429})


@contextmanager
def explained(cluster: str) -> Iterator[None]:
    """Whatever is raised inside leaves as a `ClusterError` that names the cluster."""
    try:
        yield
    except ClusterError:
        raise
    except TimeoutError as error:
        raise ClusterUnavailable(f"Cluster {cluster!r} does not answer in time.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ClusterUnavailable(f"Cluster {cluster!r} cannot be reached.") from error
    # Beside malformed answers: credential plugins of the client raise whatever they like.
    except Exception as error:
        raise ClusterUnavailable(
            f"Cluster {cluster!r} gave an answer that cannot be read ({type(error).__name__})."
        ) from error


def fault(cluster: str, status: int, body: bytes) -> ClusterError:
    """The error that an answer with this HTTP status (300 or above) stands for."""
    if 400 <= status < 500 and status not in _NOT_THE_REQUEST:
        return ClusterRefused(status, _server_words(body) or f"Refused with HTTP status {status}.")
    if status == 401:
        return ClusterUnavailable(f"Cluster {cluster!r} does not accept the portal's credentials.")
    return ClusterUnavailable(f"Cluster {cluster!r} answers with HTTP status {status}.")


def _server_words(body: bytes) -> str | None:
    try:
        return Failure.model_validate_json(body).message
    except ValidationError:
        return None


def path_segment(name: str) -> str:
    """The name itself, if it can stand in a path without becoming another path.

    These are the API server's own rules for path segments; it never sees such a name, because
    the path would name another object. Raises ClusterRefused.
    """
    if name in {"", ".", ".."} or "/" in name or "%" in name:
        raise ClusterRefused(422, f"{name!r} is not a name that Kubernetes accepts.")
    return name


Method = Callable[..., Awaitable[ClientResponse]]
Wanted = TypeVar("Wanted", bound=Answer)


class Connection:
    """A client of one API server, with the certificate authority that it trusts.

    Reads files and prepares TLS: construct it at start-up.
    """

    def __init__(self, name: str, configuration: Configuration) -> None:
        self.name = name
        self.host = configuration.host
        self.tls_server_name: str | None = configuration.tls_server_name
        authority = configuration.ssl_ca_cert
        self.ca_pem = Path(authority).read_bytes() if authority else None
        self._api = ApiClient(configuration)
        self.core = CoreV1Api(self._api)
        self.rbac = RbacAuthorizationV1Api(self._api)
        self.version = VersionApi(self._api)

    async def close(self) -> None:
        """Close the sockets; the object cannot be used afterwards."""
        await self._api.close()


class Caller:
    """Calls methods of a connection, each of which may take so many seconds."""

    def __init__(self, connection: Connection, *, seconds: float) -> None:
        self.cluster = connection.name
        self.core = connection.core
        self.rbac = connection.rbac
        self.version = connection.version
        self._seconds = seconds

    async def call(self, method: Method, answer: type[Wanted], **arguments: Any) -> Wanted:
        """The answer of a `…_without_preload_content` method.

        Raises ClusterUnavailable or ClusterRefused, nothing else.
        """
        with explained(self.cluster):
            # The client's own limit does not cover renewing the portal's credentials.
            async with asyncio.timeout(self._seconds):
                response = await method(_request_timeout=self._seconds, **arguments)
                async with response:
                    body = await response.read()
            if response.status >= 300:
                raise fault(self.cluster, response.status, body)
            return answer.model_validate_json(body)


_SECONDS_BETWEEN = 60


class Renewal:
    """Called before each request: reads token files and asks exec plugins again, once a minute.

    `clock` gives seconds. Raises whatever the files or the plugin raise.
    """

    def __init__(
        self, loader: KubeConfigLoader, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._loader = loader
        self._clock = clock
        self._due = clock() + _SECONDS_BETWEEN

    async def __call__(self, configuration: Configuration) -> None:
        if self._clock() < self._due:
            return
        self._due = self._clock() + _SECONDS_BETWEEN
        await self._loader.load_and_set(configuration)
