"""How many connections stay open at once for one user or, of strangers, for one address."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from starlette.datastructures import Headers

from resolvers.actor import Actor
from resolvers.rate_limits import network_of


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How connections that stay open are kept honest.

    recheck_interval: how long a silent stream goes on before its session is looked up again.
    keep_alive: how long server-sent events are silent before a comment is sent.
    connection_init: how long a WebSocket may be open before it says `connection_init`.
    operations: how many operations may run at once over one WebSocket.
    connections: how many connections of both kinds may be open at once for one user, or from one
        address for those who are not signed in.
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
    """Counts in this process only.

    Many users may share an address, so that those who are signed in are not counted by theirs.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._open: Counter[str] = Counter()

    @contextmanager
    def held(self, actor: Actor) -> Iterator[None]:
        """For as long as a connection of the actor is open. Raises TooManyStreams."""
        holder = _holder(actor)
        if self._open[holder] >= self._maximum:
            raise TooManyStreams(
                f"At most {self._maximum} connections stay open at once: close one first."
            )
        self._open[holder] += 1
        try:
            yield
        finally:
            self._open[holder] -= 1
            if not self._open[holder]:
                del self._open[holder]


def _holder(actor: Actor) -> str:
    user = actor.user_or_none
    return f"user {user.id}" if user else f"address {network_of(actor.client.address)}"


ORIGIN = re.compile(r"https?://[\w.:\[\]-]{1,80}", re.ASCII)
PRODUCT = re.compile(r"[\w!#$%&'*+.^`|~-]{1,100}", re.ASCII)


def client_name(headers: Headers) -> str:
    """Which program sends a request: the origin of a page, else the product of the User-Agent.

    Without the version, and empty where the client does not say.
    """
    if origin := ORIGIN.fullmatch(headers.get("origin", "")):
        return origin[0]
    product = PRODUCT.match(headers.get("user-agent", ""))
    return product[0] if product else ""
