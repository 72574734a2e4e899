"""A cluster whose facts are what a test says."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from cluster.cluster import Cluster, Clusters
from cluster.facts import Facts, Snapshot


class StandIn:
    """Counts who is watching; `watches` is how often somebody has begun to."""

    def __init__(self, name: str = "main") -> None:
        self.name = name
        self.api_server_url = f"https://{name}.example.org"
        self.watchers = 0
        self.watches = 0
        self._snapshot = Snapshot()
        self.tell(pod_count=1, reachable=True, observed_at=datetime(2030, 1, 1, tzinfo=UTC))

    @property
    def facts(self) -> Facts:
        return self._snapshot.facts

    def tell(self, **facts: Any) -> None:
        self._snapshot.publish(replace(self.facts, **facts))

    async def watch_facts(self) -> AsyncGenerator[Facts, None]:
        self.watchers += 1
        self.watches += 1
        try:
            async with aclosing(self._snapshot.watch()) as watch:
                async for facts in watch:
                    yield facts
        finally:
            self.watchers -= 1

    async def start(self) -> None: ...

    async def close(self) -> None:
        self._snapshot.close()


def clusters_of(*stand_ins: StandIn) -> Clusters:
    return Clusters([cast(Cluster, stand_in) for stand_in in stand_ins])
