"""GraphQL over HTTP: https://graphql.github.io/graphql-over-http/draft/."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    OperationType,
    get_operation_ast,
    located_error,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from portal.client_name import client_name
from portal.documents import Documents
from portal.graphql_request import (
    ALLOW,
    DOCUMENT_NAMES,
    JSON,
    BadRequest,
    Parameters,
    parameters_of,
)
from portal.graphql_sse import EVENT_STREAM
from portal.graphql_status import Profile, status_of
from portal.negotiation import best_match
from portal.open_streams import OpenStreams, TooManyStreams
from resolvers.errors import ErrorCode
from rest_compat.status import CHALLENGE
from schema.context import Context
from schema.executor import Executor, InvalidDocument, Results
from schema.results import RequestError, public_error

GRAPHQL_JSON = "application/graphql-response+json"
HTML = "text/html"


class GraphQLEndpoint:
    """Serves the schema; browsers that ask for a page get the playground where there is one."""

    def __init__(
        self,
        executor: Executor,
        documents: Documents,
        make_context: Callable[[Request], Awaitable[Context]],
        playground: Callable[[Request], Response] | None,
        event_stream: Callable[[Results, AbstractContextManager[object]], Response],
        streams: OpenStreams,
        profile: Profile,
    ) -> None:
        self._executor = executor
        self._documents = documents
        self._make_context = make_context
        self._playground = playground
        self._event_stream = event_stream
        self._streams = streams
        self._profile = profile

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": ALLOW})
        accept = request.headers.get("accept")
        if self._playground and self._is_page_request(request, accept):
            return self._playground(request)
        media_type = best_match(accept, (JSON, GRAPHQL_JSON, EVENT_STREAM))
        try:
            if media_type is None:
                raise BadRequest(f"Accept one of {GRAPHQL_JSON} and {JSON}.", 406)
            parameters = await parameters_of(request)
            return await self._run(request, parameters, media_type)
        except BadRequest as error:
            json_type = GRAPHQL_JSON if media_type == GRAPHQL_JSON else JSON
            failure = _failure(error.message, ErrorCode.BAD_USER_INPUT)
            return _response(failure, error.status, json_type, error.headers)
        except TooManyStreams as error:
            return _response(_failure(str(error), ErrorCode.RATE_LIMITED), 429, JSON)
        except InvalidDocument as error:
            result = RequestError(errors=error.errors)
            if media_type == EVENT_STREAM:
                return self._event_stream(_alone(result), nullcontext())
            return self._rendered(result, media_type or JSON)
        except Exception as error:
            return _unforeseen(error, request, GRAPHQL_JSON if media_type == GRAPHQL_JSON else JSON)

    def _is_page_request(self, request: Request, accept: str | None) -> bool:
        return (
            request.method in ("GET", "HEAD")
            and not DOCUMENT_NAMES & request.query_params.keys()
            and accept is not None
            and best_match(accept, (JSON, GRAPHQL_JSON, HTML)) == HTML
        )

    async def _run(self, request: Request, parameters: Parameters, media_type: str) -> Response:
        document = self._documents.prepare(parameters, client_name(request.headers))
        name = parameters.operation_name
        streamed = _is_streamed(request, document, name, media_type)
        context = await self._make_context(request)
        if streamed:
            with ExitStack() as stack:
                stack.enter_context(self._streams.held(context.actor))
                results = self._executor.stream(document, context, parameters.variables, name)
                return self._event_stream(results, stack.pop_all())
        result = await self._executor.execute(document, context, parameters.variables, name)
        return self._rendered(result, media_type)

    def _rendered(self, result: ExecutionResult, media_type: str) -> Response:
        status = status_of(result, media_type, self._profile)
        headers = {"WWW-Authenticate": CHALLENGE} if status == 401 else {}
        return _response(result.formatted, status, media_type, headers)


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


def _unforeseen(error: Exception, request: Request, media_type: str) -> Response:
    """What went wrong before the operation began, whatever the profile."""
    problem = public_error(located_error(error), request.state.request_id)
    result = RequestError(errors=[problem])
    return _response(result.formatted, status_of(result, GRAPHQL_JSON, "2026"), media_type)


def _failure(message: str, code: ErrorCode) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code.value}}]}


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
