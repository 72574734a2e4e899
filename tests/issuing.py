"""A cluster that only issues tokens, for tests that need no API server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from cluster.bindings import Removal
from cluster.cluster import Cluster
from cluster.facts import Facts
from cluster.kubeconfig import Server, render_kubeconfig
from cluster.tokens import ServiceAccountToken, TokenCache

SERVER = Server("https://cluster.example.org:6443", b"an authority")


class IssuingCluster:
    """Its tokens are numbered, kept as the real ones are, and last as long as was wanted.

    `wanted` are the lifetimes that were asked for; `failure` is raised instead of an answer.
    """

    name = "north"
    api_server_url = SERVER.url
    facts = Facts(reachable=True)

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.wanted: list[timedelta] = []
        self.failure: Exception | None = None
        self.expires = True
        self._clock = clock
        self._cache = TokenCache(clock=clock)

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def issue_token(
        self, namespace: str, service_account: str, *, lifetime: timedelta
    ) -> ServiceAccountToken:
        async def issue() -> ServiceAccountToken:
            if self.failure:
                raise self.failure
            self.wanted.append(lifetime)
            end = self._clock() + lifetime if self.expires else None
            return ServiceAccountToken(f"secret-{len(self.wanted)}-of-{service_account}", end)

        return await self._cache.get((namespace, service_account, lifetime), issue)

    async def remove_role_bindings(self, key: str, namespace: str, account: str) -> Removal:
        return Removal(0, ())

    def kubeconfig(self, *, cluster_name: str | None = None, **parts: Any) -> str:
        return render_kubeconfig(cluster=cluster_name or self.name, server=SERVER, **parts)

    def as_cluster(self) -> Cluster:
        return cast(Cluster, self)
