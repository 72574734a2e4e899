"""What happens around every request: its client's address, id, headers, size and last errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_network
from secrets import token_hex
from typing import Any, TypeAlias

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from models import Database
from portal.web import responses

logger = logging.getLogger(__name__)
MAXIMUM_BODY = 1024 * 1024
TOO_LARGE = "The request body is larger than 1 MiB."
INTERNAL_ERROR = "Something went wrong on our side."
MAPPED_PREFIX = 96  # of IPv4 addresses in IPv6: ::ffff:192.0.2.1
RESPONSE_STARTS = ("http.response.start", "websocket.http.response.start")
DEFAULT_HEADERS = (
    # Most responses hold personal data, some a token
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
RawHeaders: TypeAlias = list[tuple[bytes, bytes]]
REMEMBERED_ADDRESSES = 1_000
# Without includeSubDomains, as hosts below this one may belong to others
HSTS = (b"strict-transport-security", b"max-age=31536000")


class PortalMiddleware:
    """One pass around every request and response, CORS included.

    An unexpected error is logged, and its response has the id of the request only. CORS headers
    are on all responses, that one included, so that the pages of allowed origins can read the id.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        proxies: Sequence[str],
        origins: Sequence[str],
        database: Database,
    ) -> None:
        self._with_cors = partial(Cors, origins=origins)
        self._app = self._with_cors(app)
        self._addresses = ClientAddresses(proxies)
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        await self._addresses.set_client(scope)
        # Tortoise finds the database of a task in a context variable
        self._database.activate()
        request_id = token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        has_started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_started
            if message["type"] in RESPONSE_STARTS:
                has_started = True
                add_headers(message["headers"], request_id, scope["scheme"])
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, limit_body(scope, receive), send_with_headers)
        except Exception:
            logger.exception("Request %s: unexpected error", request_id)
            if has_started:
                raise
            body = {"detail": INTERNAL_ERROR, "request_id": request_id}
            failure = self._with_cors(responses.json(body, 500))
            await failure(scope, receive, send_with_headers)


def add_headers(headers: RawHeaders, request_id: str, scheme: str) -> None:
    """Not with Starlette's `MutableHeaders`, which looks through all of them for each one."""
    present = {name for name, _ in headers}
    headers.extend(header for header in DEFAULT_HEADERS if header[0] not in present)
    headers.append((b"x-request-id", request_id.encode()))
    if scheme in ("https", "wss"):
        headers.append(HSTS)


def limit_body(scope: Scope, receive: Receive) -> Receive:
    """Reading a larger body raises HTTPException 413."""
    length = Headers(scope=scope).get("content-length", "")
    is_too_large = length.isdecimal() and int(length) > MAXIMUM_BODY
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        if is_too_large:
            raise HTTPException(413, TOO_LARGE)
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAXIMUM_BODY:
            raise HTTPException(413, TOO_LARGE)
        return message

    return receive_limited


class ClientAddresses:
    """Sets the address and the scheme of a request's client behind trusted proxies.

    The address is the last one in `X-Forwarded-For` that is not a trusted proxy. From other peers
    the header is ignored; if it holds something else there, the address stays that of the proxy.
    """

    def __init__(self, proxies: Sequence[str]) -> None:
        trusted = [network for proxy in proxies for network in _both_families(proxy)]
        self._trusts_proxies = bool(trusted)
        self._proxy_headers: Any = ProxyHeadersMiddleware(_do_nothing, trusted)

    async def set_client(self, scope: Scope) -> None:
        peer = scope.get("client")
        if self._trusts_proxies:
            # uvicorn's middleware changes the scope; it is called without an application behind it
            await self._proxy_headers(scope, None, None)
        if peer:
            host, port = scope["client"]
            address = plain_address(host)
            peer_address = plain_address(peer[0]) or peer[0]
            scope["client"] = (address, port) if address else (peer_address, peer[1])


async def _do_nothing(*_: Any) -> None:
    pass


def _both_families(proxy: str) -> Iterator[str]:
    """A socket for both families reports IPv4 peers as mapped IPv6 addresses."""
    network = ip_network(proxy)
    yield str(network)
    if isinstance(network, IPv4Network):
        yield f"::ffff:{network.network_address}/{MAPPED_PREFIX + network.prefixlen}"


@lru_cache(REMEMBERED_ADDRESSES)
def plain_address(host: str) -> str | None:
    """The canonical form of an address, without a zone; None for anything else."""
    with suppress(ValueError):
        address = ip_address(host)
        if isinstance(address, IPv6Address):
            # int() drops the zone, which is for the proxy's links, not for ours
            return str(address.ipv4_mapped or IPv6Address(int(address)))
        return str(address)
    return None


class Cors(CORSMiddleware):
    """CORS for the allowed origins, with errors in JSON."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("GET", "HEAD", "OPTIONS", "PATCH", "POST"),
            allow_headers=("authorization", "content-type", "prefer", "x-csrftoken"),
            allow_credentials=True,
            expose_headers=("Deprecation", "Link", "Retry-After", "Sunset", "X-Request-Id"),
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        error = responses.json({"detail": bytes(response.body).decode()}, response.status_code)
        for name, value in response.headers.items():
            error.headers.setdefault(name, value)
        return error
