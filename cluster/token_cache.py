"""Keeps tokens until shortly before they expire, and asks for each only once at a time."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cluster.errors import ClusterUnavailable
from cluster.tokens import ServiceAccountToken

_FRESH_PART = 0.8
_UNLIMITED_KEPT = timedelta(minutes=1)

Key = tuple[str, str, timedelta]
Issue = Callable[[], Awaitable[ServiceAccountToken]]


@dataclass(frozen=True, slots=True)
class _Entry:
    token: ServiceAccountToken
    renew_at: datetime


class TokenCache:
    """Bounded; a failed request is never kept."""

    def __init__(self, *, clock: Callable[[], datetime], capacity: int = 1024) -> None:
        self._clock = clock
        self._capacity = capacity
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._requests: dict[Key, asyncio.Task[ServiceAccountToken]] = {}

    async def get(self, key: Key, issue: Issue) -> ServiceAccountToken:
        """The kept token while it is fresh, else a new one.

        Raises what `issue` raises; but as long as the kept token is valid, it is given
        out when the cluster is unavailable.
        """
        entry = self._entries.get(key)
        if entry is not None and self._clock() < entry.renew_at:
            self._entries.move_to_end(key)
            return entry.token
        try:
            return await asyncio.shield(self._request(key, issue))
        except ClusterUnavailable:
            if entry is not None and self._is_valid(entry.token):
                return entry.token
            raise

    def forget(self, namespace: str, service_account: str) -> None:
        """Drop the tokens of an account that is not the one they were issued for."""
        for key in [key for key in self._entries if key[:2] == (namespace, service_account)]:
            del self._entries[key]

    async def close(self) -> None:
        """Wait for the requests that are under way."""
        await asyncio.gather(*self._requests.values(), return_exceptions=True)

    def _request(self, key: Key, issue: Issue) -> asyncio.Task[ServiceAccountToken]:
        request = self._requests.get(key)
        if request is None:
            request = asyncio.ensure_future(self._issue_and_keep(key, issue))
            self._requests[key] = request
        return request

    async def _issue_and_keep(self, key: Key, issue: Issue) -> ServiceAccountToken:
        try:
            token = await issue()
        finally:
            del self._requests[key]
        self._keep(key, token)
        return token

    def _keep(self, key: Key, token: ServiceAccountToken) -> None:
        now = self._clock()
        life = token.expires_at - now if token.expires_at else _UNLIMITED_KEPT
        self._entries[key] = _Entry(token, now + life * _FRESH_PART)
        self._entries.move_to_end(key)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def _is_valid(self, token: ServiceAccountToken) -> bool:
        return token.expires_at is None or self._clock() < token.expires_at
