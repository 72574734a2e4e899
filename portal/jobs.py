"""Background work: ended access, ended sessions, and the counts of REST calls."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from cluster.cluster import Clusters
from models import Database
from resolvers.access import expire_access
from resolvers.rate_limits import prune_rate_limits
from resolvers.removal import remove_bindings
from resolvers.rest_usage import Call, Count, Counts, add_counts
from resolvers.sessions import prune_sessions

logger = logging.getLogger(__name__)


class PeriodicTask(ABC):
    """Runs at an interval and once more when it is closed. Errors are logged.

    Every replica has its own.
    """

    def __init__(
        self, database: Database, clock: Callable[[], datetime], interval: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._interval = interval.total_seconds()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def run(self) -> None: ...

    def start(self) -> None:
        self._task = asyncio.create_task(self._run_at_interval())

    async def close(self) -> None:
        self._closing.set()
        if self._task:
            await self._task

    async def _run_at_interval(self) -> None:
        self._database.activate()
        is_last = False
        while not is_last:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._interval)
            is_last = self._closing.is_set()
            try:
                await self.run()
            # The database may be down for a while, and is checked again after the next interval
            except Exception:
                logger.exception("%s failed", type(self).__name__)


class AccessEnder(PeriodicTask):
    """Records access that has expired, and removes the role bindings of access that has ended."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        clusters: Clusters,
        *,
        interval: timedelta = timedelta(seconds=5),
    ) -> None:
        super().__init__(database, clock, interval)
        self._clusters = clusters
        self._problems: set[str] = set()

    async def run(self) -> None:
        if expired := await expire_access(self._clock()):
            logger.info("Access of %d users has expired.", expired)
        problems = await remove_bindings(self._clusters, self._clock())
        # A cluster may be down for days: one line, not one for each run.
        for problem in problems - self._problems:
            logger.warning("Role bindings are not removed yet: %s", problem)
        self._problems = problems


class Sweeper(PeriodicTask):
    """Deletes ended sessions and rate limits.

    This is not what ends them: requests check the dates themselves.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        idle_lifetime: timedelta,
        interval: timedelta = timedelta(minutes=1),
    ) -> None:
        super().__init__(database, clock, interval)
        self._idle_lifetime = idle_lifetime

    async def run(self) -> None:
        await prune_sessions(self._clock(), self._idle_lifetime)
        await prune_rate_limits(self._clock())


class UsageCounter(PeriodicTask):
    """Counts calls of the REST API in memory, and adds them to the database.

    The counts of one interval are lost when the process is killed or the database is down.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        interval: timedelta = timedelta(seconds=5),
    ) -> None:
        super().__init__(database, clock, interval)
        self._counts: Counts = {}

    def count(self, call: Call) -> None:
        now = self._clock()
        count = self._counts.setdefault(call, Count(0, now, now))
        count.count += 1
        count.last_seen_at = now

    async def run(self) -> None:
        counts, self._counts = self._counts, {}
        if counts:
            await add_counts(counts, self._clock())
