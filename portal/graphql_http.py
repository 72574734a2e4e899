"""GraphQL over HTTP: https://graphql.github.io/graphql-over-http/draft/."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

import orjson
from graphql import DocumentNode, ExecutionResult, OperationType, get_operation_ast
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from portal.graphql_request import ALLOW, JSON, BadRequest, Parameters, parameters_of
from portal.graphql_sse import EVENT_STREAM
from portal.negotiation import best_match
from resolvers.errors import ErrorCode
from schema.context import Context
from schema.executor import Executor, InvalidDocument, Results
from schema.results import RequestError

GRAPHQL_JSON = "application/graphql-response+json"
HTML = "text/html"


class GraphQLEndpoint:
    """Serves the schema; browsers that ask for a page get the playground."""

    def __init__(
        self,
        executor: Executor,
        make_context: Callable[[Request], Awaitable[Context]],
        playground: Callable[[Request], Response],
        event_stream: Callable[[Results], Response],
    ) -> None:
        self._executor = executor
        self._make_context = make_context
        self._playground = playground
        self._event_stream = event_stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": ALLOW})
        accept = request.headers.get("accept")
        if self._is_page_request(request, accept):
            return self._playground(request)
        media_type = best_match(accept, (JSON, GRAPHQL_JSON, EVENT_STREAM))
        try:
            if media_type is None:
                raise BadRequest(f"Accept one of {GRAPHQL_JSON} and {JSON}.", 406)
            parameters = await parameters_of(request)
            return await self._run(request, parameters, media_type)
        except BadRequest as error:
            json_type = GRAPHQL_JSON if media_type == GRAPHQL_JSON else JSON
            return _response(_failure(error.message), error.status, json_type, error.headers)
        except InvalidDocument as error:
            result = RequestError(errors=error.errors)
            if media_type == EVENT_STREAM:
                return self._event_stream(_alone(result))
            return _rendered(result, media_type or JSON)

    def _is_page_request(self, request: Request, accept: str | None) -> bool:
        return (
            request.method in ("GET", "HEAD")
            and "query" not in request.query_params
            and accept is not None
            and best_match(accept, (JSON, GRAPHQL_JSON, HTML)) == HTML
        )

    async def _run(self, request: Request, parameters: Parameters, media_type: str) -> Response:
        document = self._executor.prepare(parameters.query)
        name = parameters.operation_name
        streamed = _is_streamed(request, document, name, media_type)
        context = await self._make_context(request)
        if streamed:
            results = self._executor.stream(document, context, parameters.variables, name)
            return self._event_stream(results)
        result = await self._executor.execute(document, context, parameters.variables, name)
        return _rendered(result, media_type)


def _is_streamed(
    request: Request, document: DocumentNode, operation_name: str | None, media_type: str
) -> bool:
    """Raises BadRequest where the method or the Accept header rules the operation out."""
    operation = get_operation_ast(document, operation_name)
    kind = operation.operation if operation else OperationType.QUERY
    if kind is OperationType.MUTATION and request.method != "POST":
        raise BadRequest("Only queries may be sent by GET.", 405, {"Allow": "POST"})
    if kind is not OperationType.SUBSCRIPTION and media_type != EVENT_STREAM:
        return False
    accept = request.headers.get("accept")
    if request.method == "HEAD" or best_match(accept, (EVENT_STREAM,)) is None:
        raise BadRequest(f"Subscriptions need a WebSocket, or accept {EVENT_STREAM}.", 406)
    return True


async def _alone(result: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    yield result


def _rendered(result: ExecutionResult, media_type: str) -> Response:
    failed = isinstance(result, RequestError) and media_type == GRAPHQL_JSON
    return _response(result.formatted, 400 if failed else 200, media_type)


def _failure(message: str) -> dict[str, Any]:
    extensions = {"code": ErrorCode.BAD_USER_INPUT.value}
    return {"errors": [{"message": message, "extensions": extensions}]}


def _response(
    body: Mapping[str, Any],
    status: int,
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    always = {"Cache-Control": "no-store", "Vary": "Accept"}
    return Response(
        orjson.dumps(body),
        status,
        {**always, **(headers or {})},
        f"{media_type}; charset=utf-8",
    )
