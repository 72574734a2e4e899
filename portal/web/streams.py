"""The limits of connections that stay open, and the names of the clients that open them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from starlette.datastructures import Headers

from resolvers.actor import Actor
from resolvers.rate_limits import network_of

ORIGIN = re.compile(r"https?://[\w.:\[\]-]{1,80}", re.ASCII)
REMEMBERED_CLIENTS = 1_000
PRODUCT = re.compile(r"[\w!#$%&'*+.^`|~-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """recheck_interval: how often the session of a silent stream is checked.

    keep_alive: interval of comments in a silent stream of server-sent events.
    connection_init: time for a new WebSocket to send `connection_init`.
    operations: concurrent operations over one WebSocket.
    connections: open connections of both kinds per user, or per address of anonymous clients.
    """

    recheck_interval: timedelta = timedelta(seconds=15)
    keep_alive: timedelta = timedelta(seconds=15)
    connection_init: timedelta = timedelta(seconds=10)
    operations: int = 20
    connections: int = 20


DEFAULT_STREAM_LIMITS = StreamLimits()


class TooManyStreams(Exception):
    """The message is for the client."""


class OpenStreams:
    """Counts the open connections of this process.

    Many users may share an address, so those who are signed in are counted by user.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._open: Counter[str] = Counter()

    @contextmanager
    def count(self, actor: Actor) -> Iterator[None]:
        """For as long as a connection of the actor is open. Raises TooManyStreams."""
        user = actor.user_or_none
        key = f"user {user.id}" if user else f"address {network_of(actor.client.address)}"
        if self._open[key] >= self._maximum:
            raise TooManyStreams(
                f"At most {self._maximum} connections stay open at once: close one first."
            )
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


def client_name(headers: Headers) -> str:
    """The origin of a web page, or the product in the User-Agent, without its version.

    Empty where neither is sent.
    """
    return _client_name(headers.get("origin", ""), headers.get("user-agent", ""))


@lru_cache(REMEMBERED_CLIENTS)
def _client_name(origin: str, agent: str) -> str:
    match = ORIGIN.fullmatch(origin) or PRODUCT.match(agent)
    return match[0] if match else ""
