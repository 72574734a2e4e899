"""What comes in and goes out over a WebSocket."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import orjson
from graphql import ExecutionResult, GraphQLError, located_error
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
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ErrorMessage,
    Message,
    SubscribeMessage,
)
from strawberry.types.execution import ExecutionResult as StrawberryResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.unset import UnsetType

from portal.web.documents import Documents
from portal.web.graphql import DOCUMENT_NAMES, BadRequest, parameters_from
from portal.web.streams import OpenStreams, StreamLimits, TooManyStreams, client_name
from resolvers.errors import ErrorCode
from rest_compat.status import json_response
from schema.context import Context
from schema.errors import RequestError, public_error
from schema.executor import Executor, InvalidDocument

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


MakeContext: TypeAlias = Callable[[HTTPConnection, str | None], Awaitable[Context]]


@dataclass
class Connection:
    """A WebSocket, and what its client said about itself.

    `access_ended` is set when credentials that came along have turned out not to be good any more.
    `held` is given back when the connection ends.
    """

    socket: HTTPConnection
    make_context: MakeContext
    connection_params: dict[str, object] = field(default_factory=dict)
    access_ended: bool = False
    held: ExitStack = field(default_factory=ExitStack)

    @property
    def request_id(self) -> str:
        request_id: str = self.socket.scope["state"]["request_id"]
        return request_id

    async def context(self) -> Context:
        """For one operation, from the credentials as they are good for at this moment."""
        for name, value in self.connection_params.items():
            if name.lower() == "authorization" and isinstance(value, str):
                return await self.make_context(self.socket, value)
        return await self.make_context(self.socket, None)

    def note(self, result: ExecutionResult) -> None:
        problems = ("problem" in (error.extensions or {}) for error in result.errors or ())
        self.access_ended = self.access_ended or any(problems)


class Operations:
    """What Strawberry's handler of the protocol needs of a schema.

    The `query` that it hands on is the whole payload of the client's message.
    """

    def __init__(self, executor: Executor, documents: Documents) -> None:
        self._executor = executor
        self._documents = documents

    async def stream(
        self,
        query: Mapping[str, Any],
        *,
        context_value: Connection,
        variable_values: Mapping[str, Any] | None,
        operation_name: str | None,
        root_value: None,
    ) -> AsyncGenerator[StrawberryResult, None]:
        return self._results(query, context_value)

    async def _results(
        self, payload: Mapping[str, Any], connection: Connection
    ) -> AsyncGenerator[StrawberryResult, None]:
        try:
            parameters = parameters_from(payload)
            document = self._documents.prepare(parameters, client_name(connection.socket.headers))
            context = await connection.context()
        except InvalidDocument as invalid:
            yield PreExecutionError(None, invalid.errors)
            return
        except BadRequest as bad:
            yield PreExecutionError(None, [_bad_input(bad)])
            return
        except Exception as error:
            problem = public_error(located_error(error), connection.request_id)
            yield PreExecutionError(None, [problem])
            return
        results = self._executor.stream(
            document, context, parameters.variables, parameters.operation_name
        )
        async with aclosing(results):
            async for result in results:
                connection.note(result)
                yield _as_strawberry(result)


def _bad_input(bad: BadRequest) -> GraphQLError:
    return GraphQLError(bad.message, extensions={"code": ErrorCode.BAD_USER_INPUT.value})


def _as_strawberry(result: ExecutionResult) -> StrawberryResult:
    kind = PreExecutionError if isinstance(result, RequestError) else StrawberryResult
    return kind(result.data, result.errors, result.extensions)


logger = logging.getLogger(__name__)
FORBIDDEN = 4403
TRY_AGAIN_LATER = 1013
REFUSAL = {"detail": f"Only the protocol {GRAPHQL_TRANSPORT_WS_PROTOCOL} is spoken here."}


class Protocol(BaseGraphQLTransportWSHandler[Connection, None]):
    """Strawberry's, made strict about the form of messages and the end of access."""

    async def handle_message(self, message: Message) -> None:
        if not is_well_formed(message):
            await self.handle_invalid_message("Invalid message")
            return
        try:
            await super().handle_message(message)
        except TooManyStreams as refusal:
            await self.websocket.close(TRY_AGAIN_LATER, str(refusal))
        except Exception:
            logger.exception("Request %s: unexpected error", self.context.request_id)
            await self.websocket.close(TRY_AGAIN_LATER, "Try again later")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        limit = self.max_subscriptions_per_connection
        if self.connection_acknowledged and limit and len(self.operations) >= limit:
            await self.send_message(_too_many(message["id"], limit))
        else:
            # Strawberry looks for nothing but a `query`
            payload = {**message["payload"], "query": message["payload"]}
            await super().handle_subscribe(cast(SubscribeMessage, {**message, "payload": payload}))

    async def run_operation(self, operation: Operation[Connection, None]) -> None:
        await super().run_operation(operation)
        if self.context.access_ended:
            await self.websocket.close(FORBIDDEN, "Forbidden")

    async def shutdown(self) -> None:
        with self.context.held:
            await super().shutdown()


class GraphQLSocket(GraphQL[Connection, None]):
    """Who is there is said in the payload of `connection_init` or in the header of the handshake.

    Pages of the given origins and of our own may connect, as may all that are not browsers.
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
            # Of a schema, nothing but `stream` is used for WebSockets
            cast(BaseSchema, Operations(executor, documents)),
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=limits.connection_init,
            max_subscriptions_per_connection=limits.operations,
        )
        self.allowed_origins = frozenset(origins)
        self._make_context = make_context
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if GRAPHQL_TRANSPORT_WS_PROTOCOL in scope["subprotocols"]:
            await super().__call__(scope, receive, send)
        else:
            await json_response(REFUSAL, 400)(scope, receive, send)

    async def get_context(self, request: Any, response: Any) -> Connection:
        return Connection(request, self._make_context)

    async def on_ws_connect(self, context: Connection) -> UnsetType | dict[str, object] | None:
        """Raises TooManyStreams, and ConnectionRejectionError for credentials without access."""
        actor = (await context.context()).actor
        if actor.problem:
            raise ConnectionRejectionError
        context.held.enter_context(self._streams.held(actor))
        return await super().on_ws_connect(context)

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()


def _too_many(operation_id: str, limit: int) -> ErrorMessage:
    error = GraphQLError(
        f"At most {limit} operations run at once over one connection.",
        extensions={"code": ErrorCode.RATE_LIMITED.value},
    )
    return {"id": operation_id, "type": "error", "payload": [error.formatted]}
