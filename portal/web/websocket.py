"""GraphQL over WebSocket, in the protocol `graphql-transport-ws`.

Strawberry's handler speaks the protocol; operations are executed here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import orjson
from graphql import ExecutionResult, GraphQLError, located_error
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.schema import BaseSchema
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message, SubscribeMessage
from strawberry.types.execution import ExecutionResult as StrawberryResult
from strawberry.types.unset import UnsetType

from portal.web import responses
from portal.web.documents import Documents
from portal.web.graphql import DOCUMENT_NAMES, check_parameters
from portal.web.streams import OpenStreams, StreamLimits, TooManyStreams, client_name
from resolvers.errors import ErrorCode
from schema.context import Context
from schema.errors import RequestError, public_error
from schema.executor import Executor, InvalidDocument

logger = logging.getLogger(__name__)

MakeContext: TypeAlias = Callable[[HTTPConnection, str | None], Awaitable[Context]]

MAXIMUM_REASON = 123  # bytes, by RFC 6455
FORBIDDEN = 4403
UNAUTHORIZED = 4401
ALREADY_EXISTS = 4409
TRY_AGAIN_LATER = 1013
WRONG_PROTOCOL = {"detail": f"Only the protocol {GRAPHQL_TRANSPORT_WS_PROTOCOL} is supported."}
# Starlette raises a RuntimeError, in several ways, for messages after the end of a connection
DISCONNECTED = (WebSocketDisconnect, WebSocketDisconnected, RuntimeError)


@dataclass
class Connection:
    """A WebSocket with the parameters of its `connection_init`.

    `access_ended` is set when its credentials are no longer valid. `counted` ends the counting of
    the connection.
    """

    socket: HTTPConnection
    executor: Executor
    documents: Documents
    make_context: MakeContext
    connection_params: dict[str, object] = field(default_factory=dict)
    access_ended: bool = False
    counted: ExitStack = field(default_factory=ExitStack)

    @property
    def request_id(self) -> str:
        request_id: str = self.socket.scope["state"]["request_id"]
        return request_id

    async def context(self) -> Context:
        """A context for one operation: the credentials are verified for each."""
        for name, value in self.connection_params.items():
            if name.lower() == "authorization" and isinstance(value, str):
                return await self.make_context(self.socket, value)
        return await self.make_context(self.socket, None)

    async def execute(self, payload: Mapping[str, Any]) -> AsyncGenerator[ExecutionResult, None]:
        try:
            parameters = check_parameters(payload)
            document = self.documents.prepare(parameters, client_name(self.socket.headers))
            context = await self.context()
        except InvalidDocument as error:
            yield RequestError(errors=error.errors)
            return
        except HTTPException as error:
            yield RequestError(errors=[_error(ErrorCode.BAD_USER_INPUT, error.detail)])
            return
        except Exception as error:
            yield RequestError(errors=[public_error(located_error(error), self.request_id)])
            return
        results = self.executor.stream(
            document, context, parameters.variables, parameters.operation_name
        )
        async with aclosing(results):
            async for result in results:
                problems = ["problem" in (each.extensions or {}) for each in result.errors or ()]
                self.access_ended = self.access_ended or any(problems)
                yield result


class Protocol(BaseGraphQLTransportWSHandler[Connection, None]):
    """Strawberry's handler, with strict checks of messages, our executor and the end of access."""

    async def handle_message(self, message: Message) -> None:
        if not is_well_formed(message):
            await self.handle_invalid_message("Invalid message")
            return
        try:
            await super().handle_message(message)
        except TooManyStreams as error:
            await self.websocket.close(TRY_AGAIN_LATER, str(error))
        except Exception:
            logger.exception("Request %s: unexpected error", self.context.request_id)
            await self.websocket.close(TRY_AGAIN_LATER, "Try again later")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """In place of Strawberry's own, which can only run a `query` of its schema."""
        operation_id, limit = message["id"], self.max_subscriptions_per_connection
        if not self.connection_acknowledged:
            await self.websocket.close(UNAUTHORIZED, "Unauthorized")
        elif operation_id in self.operations:
            reason = f"Subscriber for {operation_id} already exists"
            await self.websocket.close(ALREADY_EXISTS, reason)
        elif limit and len(self.operations) >= limit:
            text = f"At most {limit} operations run at once over one connection."
            error = _error(ErrorCode.RATE_LIMITED, text)
            await self.send_message(
                {"id": operation_id, "type": "error", "payload": [error.formatted]}
            )
        else:
            operation = Operation(self, operation_id, "", None, None)
            self.operations[operation_id] = operation
            operation.task = asyncio.create_task(self._execute(operation, message["payload"]))
            operation.task.add_done_callback(self._task_done)

    async def _execute(
        self, operation: Operation[Connection, None], payload: Mapping[str, Any]
    ) -> None:
        async with aclosing(self.context.execute(payload)) as results:
            async for result in results:
                if isinstance(result, RequestError):
                    await operation.send_initial_errors(result.errors or [])
                else:
                    # It reads data, errors and extensions, which both classes have
                    await operation.send_next(cast(StrawberryResult, result))
        # Not sent after an error, which ends the operation as well
        await operation.send_operation_message({"id": operation.id, "type": "complete"})
        if self.context.access_ended:
            await self.websocket.close(FORBIDDEN, "Forbidden")

    async def shutdown(self) -> None:
        with self.context.counted:
            await super().shutdown()


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


def _error(code: ErrorCode, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code.value})


class Messages(ASGIWebSocketAdapter):
    """Sends nothing after the client has disconnected, which the reading side notices."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        with suppress(*DISCONNECTED):
            await super().send_json(message)

    async def close(self, code: int, reason: str) -> None:
        short_reason = reason.encode()[:MAXIMUM_REASON].decode(errors="ignore")
        with suppress(*DISCONNECTED):
            await super().close(code, short_reason)


class GraphQLSocket(GraphQL[Connection, None]):
    """Credentials are in the payload of `connection_init` or in the header of the handshake.

    Pages of the allowed origins and of the portal itself may connect, and clients that are not
    browsers.
    """

    websocket_adapter_class = Messages
    graphql_transport_ws_handler_class = Protocol

    def __init__(
        self,
        executor: Executor,
        documents: Documents,
        make_context: MakeContext,
        streams: OpenStreams,
        *,
        origins: Collection[str],
        limits: StreamLimits,
    ) -> None:
        super().__init__(
            # The protocol above never uses the schema
            cast(BaseSchema, None),
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=limits.connection_init,
            max_subscriptions_per_connection=limits.operations,
        )
        self.allowed_origins = frozenset(origins)
        self._executor = executor
        self._documents = documents
        self._make_context = make_context
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if GRAPHQL_TRANSPORT_WS_PROTOCOL in scope["subprotocols"]:
            await super().__call__(scope, receive, send)
        else:
            await responses.json(WRONG_PROTOCOL, 400)(scope, receive, send)

    async def get_context(self, request: Any, response: Any) -> Connection:
        return Connection(request, self._executor, self._documents, self._make_context)

    async def on_ws_connect(self, context: Connection) -> UnsetType | dict[str, object] | None:
        """Raises TooManyStreams, or ConnectionRejectionError for invalid credentials."""
        actor = (await context.context()).actor
        if actor.problem:
            raise ConnectionRejectionError
        context.counted.enter_context(self._streams.count(actor))
        return await super().on_ws_connect(context)

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()
