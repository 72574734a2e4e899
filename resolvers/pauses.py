"""Streams whose silence is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

T = TypeVar("T")


async def with_pauses(
    source: AsyncGenerator[T, None], seconds: float
) -> AsyncGenerator[T | None, None]:
    """What the source yields, and None whenever it has been silent for so long.

    The source is asked for the next value only when the reader is back, and is closed at the end.
    """
    upcoming = asyncio.ensure_future(anext(source))
    try:
        while True:
            await asyncio.wait({upcoming}, timeout=seconds)
            if not upcoming.done():
                yield None
                continue
            try:
                value = upcoming.result()
            except StopAsyncIteration:
                return
            yield value
            upcoming = asyncio.ensure_future(anext(source))
    finally:
        upcoming.cancel()
        await asyncio.gather(upcoming, return_exceptions=True)
        await source.aclose()
