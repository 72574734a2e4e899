"""Notes from time to time what has ended by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from models import Database
from resolvers import sessions, throttling
from resolvers.withdrawal import sweep

logger = logging.getLogger(__name__)


class Sweeper:
    """A task that withdraws expired access and forgets what has ended; replicas may each have one.

    `idle_lifetime` is how long a session lasts without being used.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        idle_lifetime: timedelta,
        interval: timedelta = timedelta(minutes=1),
    ) -> None:
        self._database = database
        self._clock = clock
        self._idle_lifetime = idle_lifetime
        self._interval = interval.total_seconds()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        self._database.activate()
        while True:
            await asyncio.sleep(self._interval)
            try:
                if withdrawn := await sweep(self._clock()):
                    logger.info("Access of %d users has expired.", withdrawn)
                await sessions.forget_ended(self._clock(), self._idle_lifetime)
                await throttling.forget_ended(self._clock())
            # A database that is away comes back; until then access ends all the same
            except Exception:
                logger.exception("Expired access was not noted; the next attempt is in a minute.")
