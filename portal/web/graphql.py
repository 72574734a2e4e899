"""GraphQL over HTTP, and what a GraphQL request looks like over every transport."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

import orjson
from graphql import DocumentNode, ExecutionResult, OperationType, get_operation_ast, located_error
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from portal.settings import Profile
from portal.web.documents import Documents, Parameters, digest
from portal.web.responses import CHALLENGE, STATUS
from portal.web.sse import EVENT_STREAM
from portal.web.streams import OpenStreams, TooManyStreams, client_name
from resolvers.errors import ErrorCode
from schema.context import Context
from schema.errors import RequestError, public_error
from schema.executor import Executor, InvalidDocument, Results

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
HTML = "text/html"
ALLOW = "GET, HEAD, POST, OPTIONS"
DOCUMENT_NAMES = {"query", "documentId", "extensions"}
# Well-formed requests that do not fit the schema or the limits
UNPROCESSABLE = {
    ErrorCode.BAD_USER_INPUT,
    ErrorCode.GRAPHQL_VALIDATION_FAILED,
    ErrorCode.LIMIT_EXCEEDED,
}


class GraphQLEndpoint:
    """Executes operations; browsers that ask for a page get the playground if there is one."""

    def __init__(
        self,
        executor: Executor,
        documents: Documents,
        make_context: Callable[[Request], Awaitable[Context]],
        *,
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
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": ALLOW})
        accept = request.headers.get("accept")
        if self._playground and _is_page_request(request, accept):
            return self._playground(request)
        media_type = best_match(accept, (JSON, GRAPHQL_JSON, EVENT_STREAM))
        json_type = GRAPHQL_JSON if media_type == GRAPHQL_JSON else JSON
        try:
            if media_type is None:
                raise HTTPException(406, f"Accept one of {GRAPHQL_JSON} and {JSON}.")
            return await self._execute(request, await read_parameters(request), media_type)
        except HTTPException as error:
            body = _errors(ErrorCode.BAD_USER_INPUT, error.detail)
            return _response(body, error.status_code, json_type, error.headers)
        except TooManyStreams as error:
            return _response(_errors(ErrorCode.RATE_LIMITED, str(error)), 429, JSON)
        except InvalidDocument as error:
            result = RequestError(errors=error.errors)
            if media_type == EVENT_STREAM:
                return self._event_stream(_only(result), nullcontext())
            return self._render(result, json_type)
        except Exception as error:
            problem = public_error(located_error(error), request.state.request_id)
            status = STATUS[_code(problem.extensions)]
            return _response(RequestError(errors=[problem]).formatted, status, json_type)

    async def _execute(self, request: Request, parameters: Parameters, media_type: str) -> Response:
        document = self._documents.prepare(parameters, client_name(request.headers))
        name = parameters.operation_name
        is_streamed = _is_streamed(request, document, name, media_type)
        context = await self._make_context(request)
        if is_streamed:
            with ExitStack() as stack:
                stack.enter_context(self._streams.count(context.actor))
                results = self._executor.stream(document, context, parameters.variables, name)
                return self._event_stream(results, stack.pop_all())
        result = await self._executor.execute(document, context, parameters.variables, name)
        return self._render(result, media_type)

    def _render(self, result: ExecutionResult, media_type: str) -> Response:
        status = status_of(result, media_type, self._profile)
        headers = CHALLENGE if status == 401 else {}
        return _response(result.formatted, status, media_type, headers)


def status_of(result: ExecutionResult, media_type: str, profile: Profile) -> int:
    """200 once execution has begun, else the status of the error.

    In the profile `audit`, clients that accept only `application/json` always get 200, as the
    audits of the draft require. The profile `2026` distinguishes requests that are not well-formed,
    400, from those that do not fit the schema, 422, whatever the media type.
    """
    if not isinstance(result, RequestError) or (profile == "audit" and media_type == JSON):
        return 200
    code = _code((result.errors or [])[0].extensions)
    return 422 if profile == "2026" and code in UNPROCESSABLE else STATUS[code]


def _code(extensions: Mapping[str, Any] | None) -> ErrorCode:
    return ErrorCode((extensions or {})["code"])


def best_match(accept: str | None, offers: Sequence[str]) -> str | None:
    """The offer with the highest quality in an Accept header (RFC 9110), the first of equals."""
    if accept is None or not accept.strip():
        return offers[0]
    qualities = dict(_media_range(part) for part in accept.split(","))

    def quality(offer: str) -> float:
        ranges = (offer, f"{offer.partition('/')[0]}/*", "*/*")
        return next((qualities[each] for each in ranges if each in qualities), 0.0)

    best = max(offers, key=quality)
    return best if quality(best) > 0 else None


def _media_range(text: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            # A quality that is not a number excludes the type
            return media_type, float(value) if value.replace(".", "", 1).isdecimal() else 0.0
    return media_type, 1.0


def _is_page_request(request: Request, accept: str | None) -> bool:
    return (
        request.method in ("GET", "HEAD")
        and not DOCUMENT_NAMES & request.query_params.keys()
        and accept is not None
        and best_match(accept, (JSON, GRAPHQL_JSON, HTML)) == HTML
    )


async def read_parameters(request: Request) -> Parameters:
    if request.method in ("GET", "HEAD"):
        values: dict[str, Any] = dict(request.query_params)
        for name in ("variables", "extensions"):
            if name in values:
                values[name] = _parse_json(f"`{name}`", values[name].encode())
        return check_parameters(values)
    if request.method == "POST":
        return check_parameters(await _read_body(request))
    raise HTTPException(405, f"Method {request.method} is not allowed.", {"Allow": ALLOW})


async def _read_body(request: Request) -> Any:
    media_type, parameters = parse_options_header(request.headers.get("content-type"))
    charset = parameters.get(b"charset", b"utf-8").lower()
    if media_type.lower() != JSON.encode() or charset != b"utf-8":
        raise HTTPException(415, f"Send {JSON} in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "Send the body without a content encoding.")
    return _parse_json("The body", await request.body())


def _parse_json(subject: str, content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"{subject} is not valid JSON: {error}.") from None


def check_parameters(values: Any) -> Parameters:
    """Raises HTTPException for a request that has no document, or more than one."""
    if not isinstance(values, dict):
        raise HTTPException(400, "The body is not a JSON object; batches are not supported.")
    for name in ("query", "operationName", "documentId"):
        _check_type(values, name, str, "a string")
    for name in ("variables", "extensions"):
        _check_type(values, name, dict, "an object")
    query, document_id = values.get("query") or None, values.get("documentId") or None
    sha256 = _persisted_hash(values.get("extensions") or {})
    if query is None and document_id is None and sha256 is None:
        raise HTTPException(400, "`query`, the GraphQL document, is missing.")
    if document_id and (query or sha256):
        raise HTTPException(400, "Send `documentId` without a `query` and without a hash.")
    if query and sha256 and sha256 != digest(query):
        raise HTTPException(400, "`sha256Hash` is not the SHA-256 of `query`.")
    operation_name = values.get("operationName") or None
    return Parameters(query, values.get("variables"), operation_name, document_id, sha256)


def _persisted_hash(extensions: Mapping[str, Any]) -> str | None:
    """The hash of an automatic persisted query."""
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    if not isinstance(persisted, dict) or persisted.get("version") != 1:
        raise HTTPException(400, "Only version 1 of `persistedQuery` is supported.")
    _check_type(persisted, "sha256Hash", str, "a string")
    if not persisted.get("sha256Hash"):
        raise HTTPException(400, "`sha256Hash` is missing.")
    sha256: str = persisted["sha256Hash"]
    return sha256


def _check_type(values: Mapping[str, Any], name: str, kind: type, description: str) -> None:
    if not isinstance(values.get(name), kind | None):
        raise HTTPException(400, f"`{name}` is not {description}.")


def _is_streamed(
    request: Request, document: DocumentNode, operation_name: str | None, media_type: str
) -> bool:
    """Raises HTTPException where the method or the Accept header excludes the operation."""
    operation = get_operation_ast(document, operation_name)
    kind = operation.operation if operation else OperationType.QUERY
    if kind is OperationType.MUTATION and request.method != "POST":
        raise HTTPException(405, "Only queries may be sent by GET.", {"Allow": "POST"})
    if kind is not OperationType.SUBSCRIPTION and media_type != EVENT_STREAM:
        return False
    accept = request.headers.get("accept")
    if request.method == "HEAD" or best_match(accept, (EVENT_STREAM,)) is None:
        raise HTTPException(406, f"Subscriptions need a WebSocket, or accept {EVENT_STREAM}.")
    return True


async def _only(result: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    yield result


def _errors(code: ErrorCode, message: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code.value}}]}


def _response(
    body: Mapping[str, Any],
    status: int,
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    content_type = f"{media_type}; charset=utf-8"
    return Response(orjson.dumps(body), status, {"Vary": "Accept", **(headers or {})}, content_type)
