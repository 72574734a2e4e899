"""Notes from time to time what has ended by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from starlette.requests import Request

from models import Database
from portal.web.streams import client_name
from resolvers.access import expire_access
from resolvers.rate_limits import prune_rate_limits
from resolvers.rest_usage import Call, Tallies, Tally, add, merge
from resolvers.sessions import prune_sessions
from rest_compat.operations import Route, StoredOperation

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
                if withdrawn := await expire_access(self._clock()):
                    logger.info("Access of %d users has expired.", withdrawn)
                await prune_sessions(self._clock(), self._idle_lifetime)
                await prune_rate_limits(self._clock())
            # A database that is away comes back; until then access ends all the same
            except Exception:
                logger.exception("Expired access was not noted; the next attempt is in a minute.")


MAXIMUM_CALLS = 1000


class UsageCounter:
    """Counts in memory, and adds to the database every few seconds and at the end.

    A process that is killed takes the calls of one `interval` with it. As long as the database
    fails, they wait in memory, where MAXIMUM_CALLS are told apart.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        interval: timedelta = timedelta(seconds=5),
    ) -> None:
        self._database = database
        self._clock = clock
        self._interval = interval.total_seconds()
        self._tallies: Tallies = {}
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        self._closing.set()
        if self._task:
            await self._task

    def note(self, request: Request, operation: StoredOperation, route: Route) -> None:
        name = client_name(request.headers)
        call = Call(route.method, route.path.openapi, operation.name, name)
        now = self._clock()
        self._merge(call, Tally(1, now, now))

    def _merge(self, call: Call, tally: Tally) -> None:
        full = len(self._tallies) >= MAXIMUM_CALLS and call not in self._tallies
        merge(self._tallies, call.by_others if full else call, tally)

    async def _run(self) -> None:
        self._database.activate()
        while not self._closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._interval)
            await self._flush()
        # What came in during the last one
        await self._flush()

    async def _flush(self) -> None:
        tallies, self._tallies = self._tallies, {}
        if not tallies:
            return
        try:
            await add(tallies, self._clock())
        # A database that is away comes back
        except Exception:
            logger.exception("Calls of the REST API were not added; the next attempt comes soon.")
            for call, tally in tallies.items():
                self._merge(call, tally)
