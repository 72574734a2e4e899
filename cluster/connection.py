"""Calls to one Kubernetes API server, and the errors that they end with.

The portal uses the configuration and the HTTP client of `kubernetes.aio`, but not its classes for
API groups and objects: importing them takes 1 s and 28 MiB, and building the objects of a list of
20,000 pods takes 10 s and 1.4 GB. The answers are validated by the pydantic models below, which
name only what the portal reads.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config.kube_config import KubeConfigLoader
from kubernetes.utils.quantity import parse_quantity
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

# A number of Kubernetes such as "500m" or "16Gi".
Quantity = Annotated[Decimal, BeforeValidator(parse_quantity)]


class ApiObject(BaseModel):
    """Any JSON object. Subclasses name the fields that the portal reads."""

    # Validation errors are logged, and an answer may contain a token.
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, hide_input_in_errors=True)


class Version(ApiObject):
    git_version: str


class ListMetadata(ApiObject):
    continue_token: str | None = Field(None, alias="continue")
    remaining_item_count: int | None = None


AnyObject = TypeVar("AnyObject", bound=ApiObject)


class ObjectList(ApiObject, Generic[AnyObject]):
    """One page of a list. The API server sends an empty page as null."""

    metadata: ListMetadata
    items: list[AnyObject] | None


class Capacity(ApiObject):
    cpu: Quantity = Decimal(0)
    memory: Quantity = Decimal(0)


class NodeStatus(ApiObject):
    """A node that has not reported yet has no capacity."""

    capacity: Capacity = Capacity()


class Node(ApiObject):
    status: NodeStatus


class TokenStatus(ApiObject):
    token: str = Field(repr=False)
    expiration_timestamp: AwareDatetime


class TokenRequest(ApiObject):
    status: TokenStatus


class Reference(ApiObject):
    name: str


class ServiceAccount(ApiObject):
    secrets: list[Reference] | None = None


class Metadata(ApiObject):
    annotations: dict[str, str] | None = None


class Namespace(ApiObject):
    metadata: Metadata


class Secret(ApiObject):
    type: str = ""
    metadata: Metadata
    data: dict[str, str] | None = Field(None, repr=False)


class Status(ApiObject):
    """The body of an error response."""

    message: str


class ClusterError(Exception):
    """A call to a cluster failed. The message is safe to show to a user."""


class ClusterUnavailable(ClusterError):
    """The cluster cannot be reached, is too slow, or misbehaves. Retrying later may help."""


class ClusterRefused(ClusterError):
    """The API server rejected the request, with its own message. Retrying does not help.

    `status` is the HTTP status of the response: 403, 404, 422, ….
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class PrivilegedAccount(ClusterError):
    """A service account has rights outside its namespace. The message is the binding."""


class ClusterConfigError(ClusterError):
    """The configuration of the clusters is not usable. The message says what to do."""


# Client errors that are about the portal's credentials or about time, not about the request.
_RETRYABLE = frozenset({401, 408, 410, 425, 429})


@contextmanager
def translate_errors(cluster: str) -> Iterator[None]:
    """Every exception leaves the block as a ClusterError that names the cluster."""
    try:
        yield
    except ClusterError:
        raise
    except TimeoutError as error:
        raise ClusterUnavailable(f"Cluster {cluster!r} does not answer in time.") from error
    # The client raises its ApiException for error responses only, not for transport errors.
    except (aiohttp.ClientError, OSError) as error:
        cause = transport_cause(error)
        raise ClusterUnavailable(f"Cluster {cluster!r} cannot be reached: {cause}.") from error
    # Answers may be malformed, and credential plugins of the client raise any exception.
    except Exception as error:
        raise ClusterUnavailable(
            f"Cluster {cluster!r} gave an answer that cannot be read ({type(error).__name__})."
        ) from error


# Codes of OpenSSL (X509_V_ERR_…), whose own texts quote names of the server
_CERTIFICATE_CAUSES = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    62: "its certificate is for another host name",
    64: "its certificate is for another address",
}


def transport_cause(error: aiohttp.ClientError | OSError) -> str:
    """Why there is no answer: without addresses and paths, which the texts of the errors quote."""
    certificate_error = getattr(error, "certificate_error", None)
    if isinstance(certificate_error, ssl.SSLCertVerificationError):
        code = certificate_error.verify_code
        return _CERTIFICATE_CAUSES.get(code, "its certificate is not trusted")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its host name is not found"
    if isinstance(error, aiohttp.ClientSSLError):
        return "the TLS handshake fails"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno).lower()
    return "the connection was closed"


def response_error(cluster: str, status: int, body: bytes) -> ClusterError:
    """The error for a response with an HTTP status of 300 or above."""
    if 400 <= status < 500 and status not in _RETRYABLE:
        try:
            message = Status.model_validate_json(body).message
        except ValidationError:
            message = ""
        return ClusterRefused(status, message or f"Refused with HTTP status {status}.")
    if status == 401:
        return ClusterUnavailable(f"Cluster {cluster!r} does not accept the portal's credentials.")
    return ClusterUnavailable(f"Cluster {cluster!r} answers with HTTP status {status}.")


def path_segment(name: str) -> str:
    """The name, unchanged. Raises ClusterRefused for one that would change the URL's path.

    The API server has the same rules, but it would never see such a name: the URL would be that of
    another object.
    """
    if name in {"", ".", ".."} or "/" in name or "%" in name:
        raise ClusterRefused(422, f"{name!r} is not a name that Kubernetes accepts.")
    return name


PAGE_SIZE = 500
JSON = "application/json"


class Connection:
    """A client of one API server. Its constructor reads files and prepares TLS."""

    def __init__(self, name: str, configuration: Configuration) -> None:
        self.name = name
        self.host = configuration.host
        self.tls_server_name: str | None = configuration.tls_server_name
        authority = configuration.ssl_ca_cert
        self.ca_pem = Path(authority).read_bytes() if authority else None
        self._api = ApiClient(configuration)

    async def call(
        self,
        method: Literal["GET", "POST", "DELETE"],
        path: str,
        returns: type[AnyObject],
        *,
        seconds: float,
        names: Mapping[str, str] | None = None,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: str = JSON,
    ) -> AnyObject:
        """Send a request, which may take so many seconds.

        The path is that of Kubernetes' API reference. `names` are the values of its `{namespace}`
        and `{name}`. Raises ClusterUnavailable or ClusterRefused, nothing else.
        """
        with translate_errors(self.name):
            segments = {key: path_segment(name) for key, name in (names or {}).items()}
            # The client's own timeout, 300 s by default, does not cover the renewal of the
            # portal's credentials. It has to be a plain number: a tuple raises TypeError.
            async with asyncio.timeout(seconds):
                request = await self._api.param_serialize(
                    method,
                    path,
                    path_params=segments,
                    query_params=list((query or {}).items()),
                    header_params={"Accept": accept},
                    body=body,
                    auth_settings=["BearerToken"],
                )
                answer = await self._api.call_api(*request, _request_timeout=seconds)
                async with answer.response as response:
                    content = await response.read()
            if response.status >= 300:
                raise response_error(self.name, response.status, content)
            return returns.model_validate_json(content)

    async def pages(
        self, path: str, returns: type[ObjectList[AnyObject]], *, seconds: float, accept: str = JSON
    ) -> AsyncIterator[list[AnyObject]]:
        """The objects of a list, page by page; `seconds` is for each page. Raises like `call`."""
        query: dict[str, str | int] = {"limit": PAGE_SIZE}
        while True:
            page = await self.call(
                "GET", path, returns, seconds=seconds, query=query, accept=accept
            )
            yield page.items or []
            if not page.metadata.continue_token:
                return
            query["continue"] = page.metadata.continue_token

    async def close(self) -> None:
        """Close the sockets; the object cannot be used afterwards."""
        await self._api.close()


_RENEWAL_INTERVAL = 60


class CredentialRenewal:
    """Reads token files and runs exec plugins again, at most once a minute.

    `kubernetes.aio` loads the credentials of a kubeconfig once, and calls its
    `refresh_api_key_hook` before each request. `clock` returns seconds.
    """

    def __init__(
        self, loader: KubeConfigLoader, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._loader = loader
        self._clock = clock
        self._due = clock() + _RENEWAL_INTERVAL

    async def __call__(self, configuration: Configuration) -> None:
        if self._clock() < self._due:
            return
        self._due = self._clock() + _RENEWAL_INTERVAL
        await self._loader.load_and_set(configuration)
