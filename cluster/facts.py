"""Facts about a cluster: read at intervals, kept as a snapshot, watched by subscriptions.

Requests only read the snapshot, so that their cost and success do not depend on the cluster.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from cluster.connection import (
    ApiObject,
    ClusterError,
    ClusterRefused,
    Connection,
    Node,
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
Read = Callable[[], Awaitable[Values]]


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
    def problem(self) -> ClusterError | None:
        """Why the server is not reachable; None when it is."""
        return None if self.reachable else next(iter(self.failures.values()))

    @property
    def complete(self) -> bool:
        """Every fact was read that the server lets the portal read."""
        return self.reachable and all(
            isinstance(failure, ClusterRefused) for failure in self.failures.values()
        )


_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"


class Observer:
    """Reads the facts of one cluster; `timeout` in seconds is for each call."""

    def __init__(self, connection: Connection, *, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout

    async def observe(self) -> Observation:
        """Read everything. What cannot be read is in the observation's failures."""
        reads: dict[str, Read] = {
            "version": self._version,
            "nodes": self._nodes,
            "pods": partial(self._count, "pod_count", "/api/v1/pods"),
            "volumes": partial(self._count, "volume_count", "/api/v1/persistentvolumes"),
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

    async def version(self) -> str:
        """The version of the API server. Raises ClusterError."""
        version = await self._connection.call("GET", "/version/", Version, seconds=self._timeout)
        return version.git_version

    async def _version(self) -> Values:
        return {"version": await self.version()}

    async def _nodes(self) -> Values:
        pages = self._connection.pages("/api/v1/nodes", ObjectList[Node], seconds=self._timeout)
        capacities = [node.status.capacity async for page in pages for node in page]
        return {
            "node_count": len(capacities),
            "cpu_count": sum((capacity.cpu for capacity in capacities), Decimal(0)),
            "memory_bytes": math.ceil(sum(capacity.memory for capacity in capacities)),
        }

    async def _count(self, fact: str, path: str) -> Values:
        """The length of a list, usually from one page of one object."""
        # With a selector, resourceVersion=0 or metadata only, servers omit the remaining count.
        first = await self._connection.call(
            "GET", path, ObjectList[ApiObject], seconds=self._timeout, query={"limit": 1}
        )
        remaining = first.metadata.remaining_item_count
        if remaining is not None or not first.metadata.continue_token:
            return {fact: len(first.items or []) + (remaining or 0)}
        # A continue token without a remaining count means an unknown number, not one object.
        pages = self._connection.pages(
            path, ObjectList[ApiObject], seconds=self._timeout, accept=_METADATA_ONLY
        )
        return {fact: sum([len(page) async for page in pages])}


async def _outcome(read: Read) -> Values | ClusterError:
    try:
        return await read()
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
        self.problem: ClusterError | None = None  # of the last observation
        self._task: asyncio.Task[None] | None = None

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
        if observation.reachable != before.reachable or not self._attempted.is_set():
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
        self.problem = observation.problem
        self._attempted.set()

    def _log_reachability(self, observation: Observation) -> None:
        if observation.reachable:
            logger.info("cluster %s is reachable", self._name)
        else:
            logger.warning(
                "cluster %s is unreachable, its last facts stay: %s",
                self._name,
                observation.problem,
            )

    def _log_failures(self, failures: dict[str, ClusterError]) -> None:
        """Log the subjects whose state has changed since the last observation."""
        failing = frozenset(failures)
        for subject in sorted(failing - self._failing):
            logger.warning("cluster %s: cannot read %s: %s", self._name, subject, failures[subject])
        for subject in sorted(self._failing - failing):
            logger.info("cluster %s: can read %s again", self._name, subject)
        self._failing = failing
