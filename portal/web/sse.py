"""GraphQL over server-sent events, one operation per connection.

https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverSSE.md
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AbstractContextManager, aclosing
from datetime import timedelta
from typing import Any

import orjson
from graphql import ExecutionResult
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from resolvers.clusters import with_timeouts

CLOSING = "closing"  # the key of the event in the state of the application's lifespan
EVENT_STREAM = "text/event-stream"
# nginx buffers responses unless this header is set
HEADERS = {"Vary": "Accept", "X-Accel-Buffering": "no"}
KEEP_ALIVE = b":\n\n"


class EventStream(StreamingResponse):
    """Ends with the results, when the client disconnects, or when the portal shuts down.

    At shutdown there is no `complete` event, so that clients reconnect. `connection` is a context
    for the duration of the response.
    """

    media_type = EVENT_STREAM

    def __init__(
        self,
        results: AsyncGenerator[ExecutionResult, None],
        connection: AbstractContextManager[object],
        *,
        keep_alive: timedelta,
        closing: asyncio.Event,
    ) -> None:
        self._events = _events(results, keep_alive.total_seconds())
        self._closing = closing
        self._connection = connection
        super().__init__(self._events, headers=HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        with self._connection:
            await send(start)
            async with aclosing(self._events):
                await _until_first(
                    self._send_events(send),
                    self.listen_for_disconnect(receive),
                    self._closing.wait(),
                )
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_events(self, send: Send) -> None:
        async for event in self._events:
            await send({"type": "http.response.body", "body": event, "more_body": True})


async def _events(
    results: AsyncGenerator[ExecutionResult, None], seconds: float
) -> AsyncGenerator[bytes, None]:
    async with aclosing(with_timeouts(results, seconds)) as steps:
        async for result in steps:
            yield _event(b"next", orjson.dumps(result.formatted)) if result else KEEP_ALIVE
    yield _event(b"complete")


def _event(name: bytes, data: bytes = b"") -> bytes:
    # Browsers drop an event that has no data
    return b"event: %b\ndata: %b\n\n" % (name, data)


async def _until_first(*coroutines: Coroutine[Any, Any, object]) -> None:
    """Runs them until the first one is done, cancels the others, and raises their errors."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()
