"""Who a request comes from, where proxies stand in between."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_network
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from models import Database
from rest_compat.status import json_response

MAPPED_PREFIX = 96  # of IPv4 within IPv6: ::ffff:192.0.2.1


class ClientAddresses:
    """Gives a request the address and the scheme that its client has for the trusted proxies.

    The address is the last one of `X-Forwarded-For` that is no trusted proxy. Without trusted
    proxies the header is not read, and where it holds no address there, the proxy's own stays.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[str]) -> None:
        self.app = app
        trusted = [spelling for proxy in proxies for spelling in _spellings(proxy)]
        self._proxy_headers: Any = ProxyHeadersMiddleware(_nothing, trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = scope.get("client")
        await self._proxy_headers(scope, receive, send)
        if peer:
            host, port = scope["client"]
            address = _plain(host)
            scope["client"] = (address, port) if address else (_plain(peer[0]) or peer[0], peer[1])
        await self.app(scope, receive, send)


async def _nothing(*_: Any) -> None:
    """The middleware of uvicorn has changed the scope, which is all that is wanted of it."""


def _spellings(proxy: str) -> Iterator[str]:
    """A network as it is, and as a server sees it that listens for IPv4 and IPv6 at once."""
    network = ip_network(proxy)
    yield str(network)
    if isinstance(network, IPv4Network):
        yield f"::ffff:{network.network_address}/{MAPPED_PREFIX + network.prefixlen}"


def _plain(host: str) -> str | None:
    """An address in its one spelling, without a zone; None for anything else."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address)))
    return str(address)


logger = logging.getLogger(__name__)
TOO_LARGE = "The request body is larger than 1 MiB."
ANSWERS = ("http.response.start", "websocket.http.response.start")
SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# For this host only: those below it may be other people's
HTTPS_ONLY = "max-age=31536000"


class RequestIds:
    """Gives every request an id, which its answer and its log lines show."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        request_id = uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] in ANSWERS:
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        await self.app(scope, receive, send_with_id)


class BrowserSafety:
    """Tells browsers to keep, guess, frame and give on nothing, unless an answer says otherwise.

    Who came by https is to come by https only.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] in ANSWERS:
                headers = MutableHeaders(scope=message)
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
                if scope["scheme"] in ("https", "wss"):
                    headers["Strict-Transport-Security"] = HTTPS_ONLY
            await send(message)

        await self.app(scope, receive, send_safely)


class Cors(CORSMiddleware):
    """As the browsers of the allowed origins need it; refusals are JSON like every answer."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
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
        headers = {
            name: value
            for name, value in response.headers.items()
            if name not in ("content-length", "content-type")
        }
        return json_response({"detail": bytes(response.body).decode()}, 400, headers)


class UnexpectedErrors:
    """Logs what nobody foresaw; the caller gets only the request id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            request_id = scope["state"]["request_id"]
            logger.exception("Request %s: unexpected error", request_id)
            if started:
                raise
            body = {"detail": "Something went wrong on our side.", "request_id": request_id}
            await json_response(body, 500)(scope, receive, send)


class BodyLimit:
    """Whoever reads a larger body gets an HTTPException."""

    def __init__(self, app: ASGIApp, maximum: int) -> None:
        self.app = app
        self.maximum = maximum

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        is_too_large = announced.isdigit() and int(announced) > self.maximum
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            if is_too_large:
                raise HTTPException(413, TOO_LARGE)
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.maximum:
                raise HTTPException(413, TOO_LARGE)
            return message

        await self.app(scope, receive_some, send)


class DatabaseAccess:
    """Makes the models of each request's task use the portal's database."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self.app = app
        self.database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.database.activate()
        await self.app(scope, receive, send)
