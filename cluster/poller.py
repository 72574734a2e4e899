"""The one task that keeps the snapshot of a cluster fresh."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from cluster.observation import Observation
from cluster.snapshot import Snapshot

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
