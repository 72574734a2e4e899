"""Who a request comes from, where proxies stand in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_network
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

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
