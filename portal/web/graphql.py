"""Which of our media types a client likes best, from its Accept header (RFC 9110)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
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
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from portal.settings import Profile
from portal.web.documents import Documents, Parameters, digest
from portal.web.sse import EVENT_STREAM
from portal.web.streams import OpenStreams, TooManyStreams, client_name
from resolvers.errors import ErrorCode
from rest_compat.status import CHALLENGE
from schema.context import Context
from schema.errors import RequestError, public_error
from schema.executor import Executor, InvalidDocument, Results


def best_match(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offer with the highest quality, the first of equals; None when none will do."""
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [_media_range(part) for part in accept.split(",") if part.strip()]
    rated = [(_quality(offer, ranges), -position, offer) for position, offer in enumerate(offered)]
    quality, _, best = max(rated)
    return best if quality > 0 else None


def _media_range(text: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media_type, _number(value)
    return media_type, 1.0


def _number(text: str) -> float:
    """0 for what is no number, of which NaN is one."""
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return min(quality, 1.0) if quality > 0 else 0.0


def _quality(offer: str, ranges: Sequence[tuple[str, float]]) -> float:
    for candidate in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        matching = [quality for media_type, quality in ranges if media_type == candidate]
        if matching:
            return max(matching)
    return 0.0


FAULTS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.TIMEOUT: 503,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.INTERNAL_SERVER_ERROR: 500,
}
UNFIT = {
    ErrorCode.BAD_USER_INPUT,
    ErrorCode.GRAPHQL_VALIDATION_FAILED,
    ErrorCode.LIMIT_EXCEEDED,
}


def status_of(result: ExecutionResult, media_type: str, profile: Profile) -> int:
    """200 for all that began.

    `audit` is what the audits of the draft ask for: 400 for what can't be run, or 200 where the
    client takes only the old media type. `2026` tells what can't be read, 400, from what does not
    fit, 422, and is the same for both types.
    """
    if not isinstance(result, RequestError) or (profile == "audit" and media_type == JSON):
        return 200
    code = ErrorCode(((result.errors or [])[0].extensions or {})["code"])
    unfit = 422 if profile == "2026" and code in UNFIT else 400
    return FAULTS.get(code, unfit)


JSON = "application/json"
ALLOW = "GET, HEAD, POST, OPTIONS"
DOCUMENT_NAMES = {"query", "documentId", "extensions"}


class BadRequest(Exception):
    """A request that holds no operation to run."""

    def __init__(
        self, message: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.headers = headers or {}


async def parameters_of(request: Request) -> Parameters:
    """Raises BadRequest."""
    if request.method in ("GET", "HEAD"):
        return parameters_from(_from_url(request))
    if request.method == "POST":
        return parameters_from(await _from_body(request))
    raise BadRequest(f"Method {request.method} is not allowed.", 405, {"Allow": ALLOW})


def _from_url(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = _json(given[name].encode(), f"`{name}` is no JSON")
    return given


async def _from_body(request: Request) -> Any:
    media_type, parameters = parse_options_header(request.headers.get("content-type"))
    charset = parameters.get(b"charset", b"utf-8").lower()
    if media_type.lower() != JSON.encode() or charset != b"utf-8":
        raise BadRequest(f"Send {JSON} in UTF-8.", 415)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest("Send the body as it is, in no encoding.", 415)
    try:
        return _json(await request.body(), "The body is no JSON")
    except HTTPException as error:
        raise BadRequest(error.detail, error.status_code) from None


def _json(content: bytes, complaint: str) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{complaint}: {error}.") from None


def parameters_from(given: Any) -> Parameters:
    """Raises BadRequest."""
    if not isinstance(given, dict):
        raise BadRequest("The body is no JSON object; batches are not supported.")
    for name in ("query", "operationName", "documentId"):
        _check(given, name, str, "a string")
    for name in ("variables", "extensions"):
        _check(given, name, dict, "an object")
    query, document_id = given.get("query") or None, given.get("documentId") or None
    sha256 = _persisted(given.get("extensions") or {})
    if query is None and document_id is None and sha256 is None:
        raise BadRequest("`query` is missing: it is the GraphQL document.")
    if document_id and (query or sha256):
        raise BadRequest("`documentId` names the document: send no `query` and no hash with it.")
    if query and sha256 and sha256 != digest(query):
        raise BadRequest("`sha256Hash` is not the SHA-256 of `query`.")
    operation_name = given.get("operationName") or None
    return Parameters(query, given.get("variables"), operation_name, document_id, sha256)


def _persisted(extensions: Mapping[str, Any]) -> str | None:
    """The hash of an automatic persisted query. Raises BadRequest for another version of them."""
    given = extensions.get("persistedQuery")
    if given is None:
        return None
    if not isinstance(given, dict) or given.get("version") != 1:
        raise BadRequest("Of `persistedQuery`, version 1 is supported.")
    _check(given, "sha256Hash", str, "a string")
    if not given.get("sha256Hash"):
        raise BadRequest("`sha256Hash` is missing.")
    sha256: str = given["sha256Hash"]
    return sha256


def _check(given: Mapping[str, Any], name: str, kind: type, description: str) -> None:
    if not isinstance(given.get(name), kind | None):
        raise BadRequest(f"`{name}` is not {description}.")


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
