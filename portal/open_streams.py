"""How many connections stay open at once for one user or, of strangers, for one address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from resolvers.actor import Actor
from resolvers.throttling import network_of


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
