"""Waiting with a limit, so that a failing test does not hang."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


async def until(condition: Callable[[], object], *, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def soon(awaitable: Awaitable[Result], *, seconds: float = 30) -> Result:
    return await asyncio.wait_for(awaitable, seconds)
