"""GraphQL over HTTP: https://graphql.github.io/graphql-over-http/draft/."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import ExecutionResult, OperationType, get_operation_ast
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from portal.negotiation import best_match
from resolvers.errors import ErrorCode
from schema.context import Context
from schema.executor import Executor, InvalidDocument

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
HTML = "text/html"
ALLOW = "GET, HEAD, POST, OPTIONS"


class BadRequest(Exception):
    """A request that holds no operation to run."""

    def __init__(
        self, message: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Parameters:
    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


class GraphQLEndpoint:
    """Serves the schema; browsers that ask for a page get the playground."""

    def __init__(
        self,
        executor: Executor,
        make_context: Callable[[Request], Awaitable[Context]],
        playground: Callable[[Request], Response],
    ) -> None:
        self._executor = executor
        self._make_context = make_context
        self._playground = playground

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
        media_type = best_match(accept, (JSON, GRAPHQL_JSON))
        try:
            if media_type is None:
                raise BadRequest(f"Accept one of {GRAPHQL_JSON} and {JSON}.", 406)
            parameters = await _parameters(request)
            return await self._run(request, parameters, media_type)
        except BadRequest as error:
            return _response(
                _failure(error.message), error.status, media_type or JSON, error.headers
            )
        except InvalidDocument as error:
            errors = [problem.formatted for problem in error.errors]
            return _response(
                {"errors": errors}, 400 if media_type == GRAPHQL_JSON else 200, media_type or JSON
            )

    def _is_page_request(self, request: Request, accept: str | None) -> bool:
        return (
            request.method in ("GET", "HEAD")
            and "query" not in request.query_params
            and accept is not None
            and best_match(accept, (JSON, GRAPHQL_JSON, HTML)) == HTML
        )

    async def _run(self, request: Request, parameters: Parameters, media_type: str) -> Response:
        document = self._executor.prepare(parameters.query)
        operation = get_operation_ast(document, parameters.operation_name)
        if request.method != "POST" and operation and operation.operation != OperationType.QUERY:
            raise BadRequest("Only queries may be sent by GET.", 405, {"Allow": "POST"})
        result = await self._executor.execute(
            document,
            await self._make_context(request),
            parameters.variables,
            parameters.operation_name,
        )
        failed = _is_request_error(result)
        body: dict[str, Any] = {} if failed else {"data": result.data}
        if result.errors:
            body["errors"] = [error.formatted for error in result.errors]
        return _response(body, 400 if failed and media_type == GRAPHQL_JSON else 200, media_type)


def _is_request_error(result: ExecutionResult) -> bool:
    """Nothing ran: the errors are about the request as a whole, not about fields."""
    return result.data is None and all(error.path is None for error in result.errors or ())


async def _parameters(request: Request) -> Parameters:
    if request.method in ("GET", "HEAD"):
        return _checked(_from_url(request))
    if request.method == "POST":
        return _checked(await _from_body(request))
    raise BadRequest(f"Method {request.method} is not allowed.", 405, {"Allow": ALLOW})


def _from_url(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = _json(given[name].encode(), f"`{name}` is no JSON")
    return given


async def _from_body(request: Request) -> Any:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if media_type.strip().lower() != JSON or charset not in ("", "charset=utf-8"):
        raise BadRequest(f"Send {JSON} in UTF-8.", 415)
    try:
        return _json(await request.body(), "The body is no JSON")
    except HTTPException as error:
        raise BadRequest(error.detail, error.status_code) from None


def _json(content: bytes, complaint: str) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{complaint}: {error}.") from None


def _checked(given: Any) -> Parameters:
    if not isinstance(given, dict):
        raise BadRequest("The body is no JSON object; batches are not supported.")
    _check(given, "query", str, "a string")
    _check(given, "operationName", str, "a string")
    _check(given, "variables", dict, "an object")
    _check(given, "extensions", dict, "an object")
    if not given.get("query"):
        raise BadRequest("`query` is missing: it is the GraphQL document.")
    return Parameters(given["query"], given.get("variables"), given.get("operationName"))


def _check(given: Mapping[str, Any], name: str, kind: type, description: str) -> None:
    if not isinstance(given.get(name), kind | None):
        raise BadRequest(f"`{name}` is not {description}.")


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
