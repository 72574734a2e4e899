"""One API server, and the only way in which the rest of the package talks to it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import ClientResponse
from kubernetes.aio.client import (
    ApiClient,
    Configuration,
    CoreV1Api,
    RbacAuthorizationV1Api,
    VersionApi,
)

from cluster.answers import Answer
from cluster.faults import explained, fault

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
