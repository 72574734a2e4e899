"""Waiting for something to become true, with a limit."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


async def until(condition: Callable[[], object], *, seconds: float) -> float:
    """Seconds that it took; fails the test when it takes longer than allowed."""
    started = time.monotonic()
    while not condition():
        waited = time.monotonic() - started
        assert waited < seconds, f"not true after {waited:.1f} seconds"
        await asyncio.sleep(0.01)
    return time.monotonic() - started


async def soon(awaitable: Awaitable[Result], *, seconds: float = 5) -> Result:
    """Its result; fails the test, instead of hanging, when there is none."""
    return await asyncio.wait_for(awaitable, seconds)
