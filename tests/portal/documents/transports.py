"""The same request over every transport."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from tests.callers import Caller
from tests.sockets import connected

TRANSPORTS = ("POST", "GET", "SSE", "WebSocket")


async def ask(caller: Caller, transport: str, **request: Any) -> dict[str, Any]:
    """The data and the errors of the answer."""
    if transport == "WebSocket":
        return await _over_a_socket(caller, request)
    if transport == "SSE":
        response = await post(caller, request, Accept="text/event-stream")
        [line] = [each for each in response.text.splitlines() if each.startswith("data: {")]
        answer = json.loads(line.removeprefix("data: "))
    else:
        answer = (await (post if transport == "POST" else get)(caller, request)).json()
    return {name: answer[name] for name in ("data", "errors") if name in answer}


async def post(caller: Caller, request: dict[str, Any], **headers: str) -> httpx2.Response:
    return await caller.client.post("/graphql", json=request, headers={**caller.headers, **headers})


async def get(caller: Caller, request: dict[str, Any], **headers: str) -> httpx2.Response:
    parameters = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in request.items()
    }
    return await caller.client.get(
        "/graphql", params=parameters, headers={**caller.headers, **headers}
    )


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


async def _over_a_socket(caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
    async with connected(caller) as socket:
        await socket.send(type="subscribe", id="1", payload=request)
        message = await socket.receive()
    payload = message["payload"]
    if message["type"] == "error":
        return {"errors": payload}
    return {name: payload[name] for name in ("data", "errors") if name in payload}
