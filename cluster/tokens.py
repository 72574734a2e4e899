"""Service-account tokens: issued by the TokenRequest API, cached, or read from a secret."""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cluster.connection import (
    ClusterRefused,
    ClusterUnavailable,
    Connection,
    Secret,
    ServiceAccount,
    TokenRequest,
    translate_errors,
)

# The API server rejects a shorter lifetime with 422.
SHORTEST_LIFETIME = timedelta(minutes=10)
_SECRET_TYPE = "kubernetes.io/service-account-token"  # noqa: S105
_OWNER = "kubernetes.io/service-account.name"


@dataclass(frozen=True, slots=True)
class ServiceAccountToken:
    """A bearer token. `expires_at` (UTC) is what the server has decided; None means never."""

    value: str = field(repr=False)
    expires_at: datetime | None


class TokenIssuer:
    """Requests tokens from one cluster; `timeout` in seconds is for all calls of one token."""

    def __init__(self, connection: Connection, *, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout

    async def issue(
        self, namespace: str, service_account: str, lifetime: timedelta
    ) -> ServiceAccountToken:
        """A new token.

        Raises ClusterRefused (404 for an unknown account) or ClusterUnavailable.
        """
        with translate_errors(self._connection.name):
            async with asyncio.timeout(self._timeout):
                try:
                    return await self._request(namespace, service_account, lifetime)
                except ClusterRefused as error:
                    if error.status != 404:
                        raise
                # Either the account is missing, or the server has no TokenRequest API: such old
                # servers keep a token in a secret for each account, which ended with 1.24.
                return await self._read_secret(namespace, service_account)

    async def _request(
        self, namespace: str, service_account: str, lifetime: timedelta
    ) -> ServiceAccountToken:
        seconds = int(lifetime.total_seconds())
        request = await self._connection.call(
            "POST",
            "/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
            TokenRequest,
            seconds=self._timeout,
            names={"namespace": namespace, "name": service_account},
            body={"spec": {"audiences": [], "expirationSeconds": seconds}},
        )
        expires_at = request.status.expiration_timestamp.astimezone(UTC)
        return ServiceAccountToken(request.status.token, expires_at)

    async def _read_secret(self, namespace: str, service_account: str) -> ServiceAccountToken:
        account = await self._connection.call(
            "GET",
            "/api/v1/namespaces/{namespace}/serviceaccounts/{name}",
            ServiceAccount,
            seconds=self._timeout,
            names={"namespace": namespace, "name": service_account},
        )
        for reference in account.secrets or []:
            secret = await self._connection.call(
                "GET",
                "/api/v1/namespaces/{namespace}/secrets/{name}",
                Secret,
                seconds=self._timeout,
                names={"namespace": namespace, "name": reference.name},
            )
            token = (secret.data or {}).get("token")
            if token and _belongs_to(secret, service_account):
                return ServiceAccountToken(base64.b64decode(token).decode(), None)
        raise ClusterRefused(
            404, f"Service account {namespace}:{service_account} has no token in the cluster."
        )


def _belongs_to(secret: Secret, service_account: str) -> bool:
    """A service account may list secrets of any type and of other accounts."""
    owner = (secret.metadata.annotations or {}).get(_OWNER)
    return secret.type == _SECRET_TYPE and owner == service_account


_FRESH_PART = 0.8
_UNLIMITED_LIFETIME = timedelta(minutes=1)
Key = tuple[str, str, timedelta]
Issue = Callable[[], Awaitable[ServiceAccountToken]]


@dataclass(frozen=True, slots=True)
class _Entry:
    token: ServiceAccountToken
    renew_at: datetime


class TokenCache:
    """A bounded cache in memory, in which concurrent requests for one key share one call.

    Keys are namespace, service account and requested lifetime. Failures are not cached.
    """

    def __init__(self, *, clock: Callable[[], datetime], capacity: int = 1024) -> None:
        self._clock = clock
        self._capacity = capacity
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._calls: dict[Key, asyncio.Task[ServiceAccountToken]] = {}

    async def get(self, key: Key, issue: Issue) -> ServiceAccountToken:
        """The cached token for 80 % of its lifetime, then a new one.

        Raises what `issue` raises, except that a token that is still valid is returned while the
        cluster is unavailable.
        """
        entry = self._entries.get(key)
        if entry is not None and self._clock() < entry.renew_at:
            self._entries.move_to_end(key)
            return entry.token
        if key not in self._calls:
            self._calls[key] = asyncio.create_task(self._issue(key, issue))
        try:
            # Shielded, as a client that disconnects must not cancel the call for the others.
            return await asyncio.shield(self._calls[key])
        except ClusterUnavailable:
            if entry is not None and self._is_valid(entry.token):
                return entry.token
            raise

    def forget(self, namespace: str, service_account: str) -> None:
        """Drop the tokens of an account that was deleted and created again."""
        for key in [key for key in self._entries if key[:2] == (namespace, service_account)]:
            del self._entries[key]

    async def close(self) -> None:
        """Wait for running calls."""
        await asyncio.gather(*self._calls.values(), return_exceptions=True)

    async def _issue(self, key: Key, issue: Issue) -> ServiceAccountToken:
        try:
            token = await issue()
        finally:
            del self._calls[key]
        now = self._clock()
        lifetime = token.expires_at - now if token.expires_at else _UNLIMITED_LIFETIME
        self._entries[key] = _Entry(token, now + lifetime * _FRESH_PART)
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
        return token

    def _is_valid(self, token: ServiceAccountToken) -> bool:
        return token.expires_at is None or self._clock() < token.expires_at
