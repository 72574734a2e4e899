"""What comes in and goes out over a WebSocket."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from starlette.websockets import WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected

from portal.graphql_request import DOCUMENT_NAMES

MAXIMUM_REASON = 123  # bytes, by RFC 6455
# The last is raised, in several ways, for what is sent after the connection was closed
GONE = (WebSocketDisconnect, WebSocketDisconnected, RuntimeError)


class Messages(ASGIWebSocketAdapter):
    """Says nothing more when the client has gone; whoever reads will notice."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        with suppress(*GONE):
            await super().send_json(message)

    async def close(self, code: int, reason: str) -> None:
        fitting = reason.encode()[:MAXIMUM_REASON].decode(errors="ignore")
        with suppress(*GONE):
            await super().close(code, fitting)


def is_well_formed(message: object) -> bool:
    """Whether the members of a client's message have the types of the protocol."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] not in ("subscribe", "complete"):
        return True
    if not isinstance(message.get("id"), str) or not message["id"]:
        return False
    return message["type"] == "complete" or _is_request(message.get("payload"))


def _is_request(payload: object) -> bool:
    return (
        isinstance(payload, dict)
        and any(payload.get(name) is not None for name in DOCUMENT_NAMES)
        and isinstance(payload.get("query"), str | None)
        and isinstance(payload.get("documentId"), str | None)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("extensions"), dict | None)
    )
