"""GraphQL over WebSockets: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any, cast

import orjson
from graphql import GraphQLError
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
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
from strawberry.types.unset import UnsetType

from portal.documents import Documents
from portal.open_streams import OpenStreams, TooManyStreams
from portal.socket_messages import Messages, is_well_formed
from portal.socket_operations import Connection, MakeContext, Operations
from portal.stream_limits import StreamLimits
from resolvers.errors import ErrorCode
from rest_compat.responses import json_response
from schema.executor import Executor

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
