"""Facts about a cluster: read at intervals, kept as a snapshot, watched by subscriptions.

Requests only read the snapshot, so that their cost and success do not depend on the cluster.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from cluster.connection import (
    ClusterError,
    ClusterRefused,
    Connection,
    Method,
    NodeList,
    ObjectList,
    Version,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a cluster; a value is None until it was read for the first time.

    `cpu_count` and `memory_bytes` are the sums of the capacities of all nodes. `volume_count` is
    the number of persistent volumes. `reachable` is the outcome of the last attempt, and
    `observed_at` (UTC) the time when all facts that the portal may read were last read.
    """

    version: str | None = None
    node_count: int | None = None
    cpu_count: Decimal | None = None
    memory_bytes: int | None = None
    pod_count: int | None = None
    volume_count: int | None = None
    reachable: bool = False
    observed_at: datetime | None = None


Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Observation:
    """The outcome of one attempt: new values of fields of Facts, and errors by subject."""

    values: Values
    failures: dict[str, ClusterError]

    @property
    def reachable(self) -> bool:
        """The server returned at least one fact."""
        return bool(self.values)

    @property
    def complete(self) -> bool:
        """Every fact was read that the server lets the portal read."""
        return self.reachable and all(
            isinstance(failure, ClusterRefused) for failure in self.failures.values()
        )


PAGE_SIZE = 500
_METADATA_ONLY = {
    "Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
}
Page = TypeVar("Page", NodeList, ObjectList)


class Observer:
    """Reads the facts of one cluster; `timeout` in seconds is for each call."""

    def __init__(self, connection: Connection, *, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout

    async def observe(self) -> Observation:
        """Read everything. What cannot be read is in the observation's failures."""
        reads = {
            "version": self._version(),
            "nodes": self._nodes(),
            "pods": self._pods(),
            "volumes": self._volumes(),
        }
        outcomes = await asyncio.gather(*(_outcome(read) for read in reads.values()))
        values: Values = {}
        failures: dict[str, ClusterError] = {}
        for subject, outcome in zip(reads, outcomes, strict=True):
            if isinstance(outcome, ClusterError):
                failures[subject] = outcome
            else:
                values |= outcome
        return Observation(values, failures)

    async def _version(self) -> Values:
        method = self._connection.version.get_code_without_preload_content
        version = await self._connection.call(method, Version, seconds=self._timeout)
        return {"version": version.git_version}

    async def _nodes(self) -> Values:
        method = self._connection.core.list_node_without_preload_content
        capacities = [
            node.status.capacity
            async for page in self._pages(method, NodeList)
            for node in page.items or []
        ]
        return {
            "node_count": len(capacities),
            "cpu_count": sum((capacity.cpu for capacity in capacities), Decimal(0)),
            "memory_bytes": math.ceil(sum(capacity.memory for capacity in capacities)),
        }

    async def _pods(self) -> Values:
        method = self._connection.core.list_pod_for_all_namespaces_without_preload_content
        return {"pod_count": await self._count(method)}

    async def _volumes(self) -> Values:
        method = self._connection.core.list_persistent_volume_without_preload_content
        return {"volume_count": await self._count(method)}

    async def _count(self, method: Method) -> int:
        """The length of a list, usually from one page of one object."""
        # With a selector, resourceVersion=0 or metadata only, servers omit the remaining count.
        first = await self._connection.call(method, ObjectList, seconds=self._timeout, limit=1)
        remaining = first.metadata.remaining_item_count
        if remaining is not None or not first.metadata.continue_token:
            return len(first.items or []) + (remaining or 0)
        # A continue token without a remaining count means an unknown number, not one object.
        total = 0
        async for page in self._pages(method, ObjectList, _headers=dict(_METADATA_ONLY)):
            total += len(page.items or [])
        return total

    async def _pages(
        self, method: Method, page_type: type[Page], **arguments: Any
    ) -> AsyncIterator[Page]:
        continue_token: str | None = None
        while True:
            page = await self._connection.call(
                method,
                page_type,
                seconds=self._timeout,
                limit=PAGE_SIZE,
                _continue=continue_token,
                **arguments,
            )
            yield page
            continue_token = page.metadata.continue_token
            if not continue_token:
                return


async def _outcome(read: Awaitable[Values]) -> Values | ClusterError:
    try:
        return await read
    except ClusterError as error:
        return error


class Snapshot:
    """The newest facts. Publishing never waits for a watcher."""

    def __init__(self) -> None:
        self._facts = Facts()
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def facts(self) -> Facts:
        return self._facts

    def publish(self, facts: Facts) -> None:
        self._facts = facts
        self._wake_watchers()

    async def watch(self) -> AsyncGenerator[Facts, None]:
        """The current facts, then each change of more than the time, until the snapshot is closed.

        A slow watcher skips intermediate changes and gets the newest facts.
        """
        sent: Facts | None = None
        while not self._closed:
            changed, facts = self._changed, self._facts
            if sent is None or replace(facts, observed_at=sent.observed_at) != sent:
                sent = facts
                yield facts
            await changed.wait()

    def close(self) -> None:
        """End current and future watches."""
        self._closed = True
        self._wake_watchers()

    def _wake_watchers(self) -> None:
        # A new event for each change: clearing the old one could race with its waiters.
        self._changed.set()
        if not self._closed:
            self._changed = asyncio.Event()


class Poller:
    """A task that observes a cluster every `interval` seconds and publishes the outcome."""

    def __init__(
        self,
        name: str,
        observe: Callable[[], Awaitable[Observation]],
        snapshot: Snapshot,
        *,
        interval: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._name = name
        self._observe = observe
        self._snapshot = snapshot
        self._interval = interval
        self._clock = clock
        self._attempted = asyncio.Event()
        self._failing: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None

    @property
    def attempted(self) -> bool:
        """Whether the first observation is over, successful or not."""
        return self._attempted.is_set()

    async def start(self, *, wait_seconds: float) -> None:
        """Start the task and wait for its first observation, but not longer than that."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"facts of {self._name}")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._attempted.wait(), wait_seconds)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            self._publish(await self._observe())
            await asyncio.sleep(self._interval)

    def _publish(self, observation: Observation) -> None:
        before = self._snapshot.facts
        if observation.reachable != before.reachable or not self.attempted:
            self._log_reachability(observation)
        if observation.reachable:
            self._log_failures(observation.failures)
        self._snapshot.publish(
            replace(
                before,
                **observation.values,
                reachable=observation.reachable,
                observed_at=self._clock() if observation.complete else before.observed_at,
            )
        )
        self._attempted.set()

    def _log_reachability(self, observation: Observation) -> None:
        if observation.reachable:
            logger.info("cluster %s is reachable", self._name)
        else:
            error = next(iter(observation.failures.values()))
            logger.warning("cluster %s is unreachable, its last facts stay: %s", self._name, error)

    def _log_failures(self, failures: dict[str, ClusterError]) -> None:
        """Log the subjects whose state has changed since the last observation."""
        failing = frozenset(failures)
        for subject in sorted(failing - self._failing):
            logger.warning("cluster %s: cannot read %s: %s", self._name, subject, failures[subject])
        for subject in sorted(self._failing - failing):
            logger.info("cluster %s: can read %s again", self._name, subject)
        self._failing = failing
