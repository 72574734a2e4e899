"""Clients of the two streaming transports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.callers import Caller

PROTOCOL = "graphql-transport-ws"
PATIENCE = 30.0


@dataclass
class Socket:
    """A WebSocket with the protocol graphql-transport-ws."""

    connection: ClientConnection

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self, *, patience: float = PATIENCE) -> dict[str, Any]:
        async with asyncio.timeout(patience):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def subscribe(self, query: str, *, id: str = "1", **variables: Any) -> None:  # noqa: A002
        payload = {"query": query, "variables": variables}
        await self.send(type="subscribe", id=id, payload=payload)

    async def next(self) -> dict[str, Any]:
        """The data of the next result, which has no errors."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        data: dict[str, Any] = message["payload"]["data"]
        return data

    async def close_code(self) -> int | None:
        """With which code the server closes the connection, after whatever it says before."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self.connection.recv()
        except ConnectionClosed:
            return self.connection.close_code


@asynccontextmanager
async def opened(caller: Caller, **options: Any) -> AsyncIterator[Socket]:
    """A socket that has said nothing yet."""
    address = str(caller.client.base_url).replace("http", "ws", 1).rstrip("/")
    options.setdefault("subprotocols", [Subprotocol(PROTOCOL)])
    async with connect(f"{address}/graphql", proxy=None, **options) as connection:
        yield Socket(connection)


@asynccontextmanager
async def connected(caller: Caller, **options: Any) -> AsyncIterator[Socket]:
    """A socket of the caller, who has said who they are."""
    async with opened(caller, **options) as socket:
        await socket.send(type="connection_init", payload=caller.headers)
        assert await socket.receive() == {"type": "connection_ack"}
        yield socket


@dataclass
class Events:
    """An answer as server-sent events; None stands for a comment."""

    response: httpx2.Response
    lines: AsyncIterator[str]

    async def receive(self) -> tuple[str, Any] | None:
        """The name and the data of the next event."""
        async with asyncio.timeout(PATIENCE):
            block = [line async for line in _block(self.lines)]
        if block == [":"]:
            return None
        fields = dict(line.split(": ", 1) for line in block)
        return fields["event"], json.loads(fields["data"]) if fields["data"] else None

    async def next(self) -> dict[str, Any]:
        """The data of the next result, which has no errors."""
        event = await self.receive()
        assert event is not None
        name, result = event
        assert (name, "errors" in result) == ("next", False), event
        data: dict[str, Any] = result["data"]
        return data

    async def rest(self) -> list[Any]:
        """Everything until the end of the answer."""
        found = []
        while True:
            try:
                found.append(await self.receive())
            except EOFError:
                return found


async def _block(lines: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """The lines up to an empty one. Raises EOFError when there are none."""
    empty = True
    async for line in lines:
        if not line:
            return
        empty = False
        yield line
    if empty:
        raise EOFError


@asynccontextmanager
async def streamed(caller: Caller, query: str, **request: Any) -> AsyncIterator[Events]:
    """The answer to an operation that was posted."""
    headers = {**caller.headers, "Accept": "text/event-stream", **request.pop("headers", {})}
    body = {"query": query, "variables": request}
    stream = caller.client.stream("POST", "/graphql", json=body, headers=headers, timeout=None)
    async with stream as response:
        yield Events(response, response.aiter_lines())
