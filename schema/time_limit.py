from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class TimeLimit:
    """How long callers wait. All methods raise TimeoutError when it took longer."""

    def __init__(self, time: timedelta) -> None:
        self._seconds = time.total_seconds()
        self._unfinished: set[asyncio.Task[Any]] = set()

    async def or_give_up(self, work: Awaitable[T]) -> T:
        """For what only reads: it is cancelled."""
        async with asyncio.timeout(self._seconds):
            return await work

    async def or_leave(self, work: Coroutine[Any, Any, T]) -> T:
        """For what changes something: it goes on to its end, also when the caller is gone.

        Cut short, it would stop between the cluster and the database, or before it is known what
        became of a commit.
        """
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        async with asyncio.timeout(self._seconds):
            return await asyncio.shield(task)

    async def finish(self) -> None:
        """Waits for what was left."""
        await asyncio.gather(*self._unfinished, return_exceptions=True)
