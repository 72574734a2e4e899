"""Service-account tokens."""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kubernetes.aio.client import AuthenticationV1TokenRequest, V1TokenRequestSpec

from cluster.connection import (
    Caller,
    ClusterRefused,
    ClusterUnavailable,
    Connection,
    Secret,
    ServiceAccount,
    TokenRequest,
    explained,
    path_segment,
)

SHORTEST_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ServiceAccountToken:
    """A bearer token; `expires_at` (UTC) is the server's own word, None means never."""

    value: str = field(repr=False)
    expires_at: datetime | None


_SECRET_TYPE = "kubernetes.io/service-account-token"  # noqa: S105
_OWNER = "kubernetes.io/service-account.name"


async def token_from_secret(caller: Caller, namespace: str, service_account: str) -> str:
    """The token in the account's own secret. Raises ClusterRefused when there is none."""
    account = await caller.call(
        caller.core.read_namespaced_service_account_without_preload_content,
        ServiceAccount,
        name=service_account,
        namespace=namespace,
    )
    for reference in account.secrets or []:
        secret = await caller.call(
            caller.core.read_namespaced_secret_without_preload_content,
            Secret,
            name=path_segment(reference.name),
            namespace=namespace,
        )
        token = (secret.data or {}).get("token")
        if token and _belongs_to(secret, service_account):
            return base64.b64decode(token).decode()
    raise ClusterRefused(
        404, f"Service account {namespace}:{service_account} has no token in the cluster."
    )


def _belongs_to(secret: Secret, service_account: str) -> bool:
    owner = (secret.metadata.annotations or {}).get(_OWNER)
    return secret.type == _SECRET_TYPE and owner == service_account


class TokenIssuer:
    """Asks one cluster for tokens; `timeout` in seconds is for all calls of one token."""

    def __init__(self, connection: Connection, *, timeout: float) -> None:
        self._caller = Caller(connection, seconds=timeout)
        self._timeout = timeout

    async def issue(
        self, namespace: str, service_account: str, lifetime: timedelta
    ) -> ServiceAccountToken:
        """A new token; the server refuses a lifetime under `SHORTEST_LIFETIME`.

        Raises ClusterRefused (404 for an unknown account) or ClusterUnavailable.
        """
        path_segment(namespace)
        path_segment(service_account)
        with explained(self._caller.cluster):
            async with asyncio.timeout(self._timeout):
                try:
                    return await self._request(namespace, service_account, lifetime)
                except ClusterRefused as refusal:
                    if refusal.status != 404:
                        raise
                # Either the account is missing, which reading it says, or the server is too old.
                value = await token_from_secret(self._caller, namespace, service_account)
                return ServiceAccountToken(value, None)

    async def _request(
        self, namespace: str, service_account: str, lifetime: timedelta
    ) -> ServiceAccountToken:
        seconds = int(lifetime.total_seconds())
        answer = await self._caller.call(
            self._caller.core.create_namespaced_service_account_token_without_preload_content,
            TokenRequest,
            name=service_account,
            namespace=namespace,
            body=AuthenticationV1TokenRequest(
                spec=V1TokenRequestSpec(audiences=[], expiration_seconds=seconds)
            ),
        )
        expires_at = answer.status.expiration_timestamp.astimezone(UTC)
        return ServiceAccountToken(answer.status.token, expires_at)


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
