"""What the portal knows about a cluster at one moment."""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from kubernetes.utils.quantity import parse_quantity

from cluster.connection import (
    Caller,
    ClusterError,
    ClusterRefused,
    Method,
    NodeList,
    ObjectList,
    Version,
    explained,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot; a value is None as long as it has never been observed.

    `cpu_count` and `memory_bytes` are the sums of the capacities of all nodes, `volume_count`
    counts persistent volumes. `reachable` tells whether the last attempt was answered,
    `observed_at` (UTC) when all facts that may be read were last read.
    """

    version: str | None = None
    node_count: int | None = None
    cpu_count: Decimal | None = None
    memory_bytes: int | None = None
    pod_count: int | None = None
    volume_count: int | None = None
    reachable: bool = False
    observed_at: datetime | None = None

    def tells_the_same_as(self, other: Facts) -> bool:
        """True when the two differ at most in the time of the observation."""
        return replace(self, observed_at=None) == replace(other, observed_at=None)


Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Observation:
    """`values` are fields of Facts that could be read; `failures` are the rest, by subject."""

    values: Values
    failures: dict[str, ClusterError]

    @property
    def answered(self) -> bool:
        """The server gave at least one fact."""
        return bool(self.values)

    @property
    def complete(self) -> bool:
        """Every fact was read that the server lets the portal read."""
        return self.answered and all(
            isinstance(failure, ClusterRefused) for failure in self.failures.values()
        )


class Snapshot:
    """Holds the newest facts; publishing never waits for a watcher."""

    def __init__(self) -> None:
        self._facts = Facts()
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def facts(self) -> Facts:
        return self._facts

    def publish(self, facts: Facts) -> None:
        """Replace the facts; watchers hear of it when more than the time has changed."""
        self._facts = facts
        self._wake_watchers()

    async def watch(self) -> AsyncGenerator[Facts, None]:
        """The current facts, then each change; a slow watcher gets the newest only.

        Ends when the snapshot is closed.
        """
        told: Facts | None = None
        while not self._closed:
            changed, facts = self._changed, self._facts
            if told is None or not facts.tells_the_same_as(told):
                told = facts
                yield facts
            await changed.wait()

    def close(self) -> None:
        """End all watches, now and in future."""
        self._closed = True
        self._wake_watchers()

    def _wake_watchers(self) -> None:
        self._changed.set()
        if not self._closed:
            self._changed = asyncio.Event()


PAGE_SIZE = 500
_METADATA_ONLY = {
    "Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
}
Page = TypeVar("Page", NodeList, ObjectList)


async def pages(
    caller: Caller, method: Method, page_type: type[Page], **arguments: Any
) -> AsyncIterator[Page]:
    """A whole list. Raises ClusterError."""
    continuation: str | None = None
    while True:
        page = await caller.call(
            method, page_type, limit=PAGE_SIZE, _continue=continuation, **arguments
        )
        yield page
        continuation = page.metadata.continuation
        if not continuation:
            return


async def count(caller: Caller, method: Method) -> int:
    """How many objects a list has; the cost does not grow with them where the server counts.

    A server may leave out the number of remaining objects; then metadata is paged through.
    Raises ClusterError.
    """
    # Not as metadata: some servers leave out the number there.
    first = await caller.call(method, ObjectList, limit=1)
    remaining = first.metadata.remaining_item_count
    if remaining is not None or not first.metadata.continuation:
        return len(first.items or []) + (remaining or 0)
    total = 0
    async for page in pages(caller, method, ObjectList, _headers=dict(_METADATA_ONLY)):
        total += len(page.items or [])
    return total


class Observer:
    """Reads the facts of one cluster."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def observe(self) -> Observation:
        """Never raises: what could not be read is in the observation's failures."""
        reads = {
            "version": self._version(),
            "nodes": self._nodes(),
            "pods": self._pods(),
            "volumes": self._volumes(),
        }
        outcomes = await asyncio.gather(*(self._outcome(read) for read in reads.values()))
        values: Values = {}
        failures: dict[str, ClusterError] = {}
        for subject, outcome in zip(reads, outcomes, strict=True):
            if isinstance(outcome, ClusterError):
                failures[subject] = outcome
            else:
                values |= outcome
        return Observation(values, failures)

    async def _outcome(self, read: Awaitable[Values]) -> Values | ClusterError:
        try:
            with explained(self._caller.cluster):
                return await read
        except ClusterError as error:
            return error

    async def _version(self) -> Values:
        method = self._caller.version.get_code_without_preload_content
        return {"version": (await self._caller.call(method, Version)).git_version}

    async def _nodes(self) -> Values:
        cpu: Counter[str] = Counter()
        memory: Counter[str] = Counter()
        method = self._caller.core.list_node_without_preload_content
        async for page in pages(self._caller, method, NodeList):
            capacities = [node.status.capacity for node in page.items or []]
            cpu.update(capacity.cpu for capacity in capacities)
            memory.update(capacity.memory for capacity in capacities)
        return {
            "node_count": cpu.total(),
            "cpu_count": _sum(cpu),
            "memory_bytes": math.ceil(_sum(memory)),
        }

    async def _pods(self) -> Values:
        method = self._caller.core.list_pod_for_all_namespaces_without_preload_content
        return {"pod_count": await count(self._caller, method)}

    async def _volumes(self) -> Values:
        method = self._caller.core.list_persistent_volume_without_preload_content
        return {"volume_count": await count(self._caller, method)}


def _sum(stated: Counter[str]) -> Decimal:
    """Most nodes are alike: each quantity is read once. Raises ValueError for what is none."""
    total = Decimal(0)
    for text, times in stated.items():
        quantity: Decimal = parse_quantity(text)
        if not quantity.is_finite():
            raise ValueError(f"{quantity} is no quantity")
        total += quantity * times
    return total


logger = logging.getLogger(__name__)
_FIRST_RETRY = 0.5
_LONGEST_RETRY = 1.5


def pause(interval: float, failures: int) -> float:
    """Seconds until the next attempt after so many failures in a row.

    Jittered, so that several replicas spread; together with a call that times out after one
    interval it stays below three intervals.
    """
    if failures == 0:
        return interval * _between(0.9, 1.1)
    factor = min(_FIRST_RETRY * 2.0 ** min(failures - 1, 8), _LONGEST_RETRY)
    return interval * factor * _between(0.8, 1.0)


def _between(low: float, high: float) -> float:
    return secrets.SystemRandom().uniform(low, high)


class Poller:
    """Observes again and again, `interval` in seconds, and publishes what it sees."""

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
        self._troubled: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None

    @property
    def attempted(self) -> bool:
        """True once the first observation is over, whatever came of it."""
        return self._attempted.is_set()

    async def start(self, *, patience: float) -> None:
        """Start the task and wait for its first observation, but not over `patience` seconds."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"facts of {self._name}")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._attempted.wait(), patience)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        failures = 0
        while True:
            observation = await self._observe()
            failures = 0 if observation.answered else failures + 1
            self._record(observation)
            await asyncio.sleep(pause(self._interval, failures))

    def _record(self, observation: Observation) -> None:
        before = self._snapshot.facts
        self._report(observation)
        self._snapshot.publish(
            replace(
                before,
                **observation.values,
                reachable=observation.answered,
                observed_at=self._clock() if observation.complete else before.observed_at,
            )
        )
        self._attempted.set()

    def _report(self, observation: Observation) -> None:
        if observation.answered != self._snapshot.facts.reachable or not self.attempted:
            self._report_reachability(observation)
        if not observation.answered:
            return
        troubled = frozenset(observation.failures)
        for subject in sorted(troubled - self._troubled):
            logger.warning(
                "cluster %s: cannot read %s: %s",
                self._name,
                subject,
                observation.failures[subject],
            )
        for subject in sorted(self._troubled - troubled):
            logger.info("cluster %s: can read %s again", self._name, subject)
        self._troubled = troubled

    def _report_reachability(self, observation: Observation) -> None:
        if observation.answered:
            logger.info("cluster %s is reachable", self._name)
            return
        reason = next(iter(observation.failures.values()))
        logger.warning("cluster %s is unreachable, its last facts stay: %s", self._name, reason)
