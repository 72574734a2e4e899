"""Asks the API server for service-account tokens."""

import asyncio
from datetime import UTC, timedelta

from kubernetes.aio.client import AuthenticationV1TokenRequest, V1TokenRequestSpec

from cluster.answers import TokenRequest
from cluster.connection import Caller, Connection
from cluster.errors import ClusterRefused
from cluster.faults import explained
from cluster.legacy_tokens import token_from_secret
from cluster.names import path_segment
from cluster.tokens import ServiceAccountToken


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
