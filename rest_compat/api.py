"""The REST API: finds the stored operation of a request, runs it, and renders its result."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol

import orjson
from graphql import DocumentNode, ExecutionResult
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from resolvers.errors import ErrorCode, Unauthenticated
from rest_compat.operations import (
    REPRESENTATION,
    Route,
    SelectedField,
    StoredOperation,
    Variable,
)

MOUNT = "/api"
OTHER_VERSION = re.compile(r"/v\d[^/]*/.*")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
INPUT_CODES = {ErrorCode.BAD_USER_INPUT, ErrorCode.INVALID_CREDENTIALS}
MAXIMUM_INT = 2**31 - 1
REMEMBERED_PATHS = 1_000
JSON_TYPES = {list: "list", str: "str", bool: "bool", int: "int", float: "float"}

PatchReturns = Literal["auto", "nothing", "representation"]
InputErrors = Mapping[str, list[str]]


class Context(Protocol):
    @property
    def unauthenticated(self) -> Unauthenticated | None: ...


class ExecutableSchema(Protocol):
    async def execute(
        self, document: DocumentNode, context: Any, variables: Mapping[str, Any] | None = None
    ) -> ExecutionResult: ...


class Responses(Protocol):
    """How the portal writes JSON responses; it owns the table from error codes to statuses."""

    def json(
        self, body: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response: ...

    def error(self, code: ErrorCode, message: str, extensions: Mapping[str, Any]) -> Response: ...

    def unauthenticated(self, problem: Unauthenticated) -> Response: ...


class InvalidInput(Exception):
    """The request body does not fit the operation; `errors` are by variable."""

    def __init__(self, errors: InputErrors) -> None:
        super().__init__(errors)
        self.errors = errors


class Match(NamedTuple):
    operation: StoredOperation
    route: Route
    parameters: dict[str, str]


class RestApi:
    """An ASGI application to mount at MOUNT.

    `count_call` is called for each request that reaches an operation, whatever its result.
    `pages` are responses that are not operations, by their path below the version.
    """

    def __init__(
        self,
        *,
        version: str,
        operations: Sequence[StoredOperation],
        schema: ExecutableSchema,
        make_context: Callable[[Request], Awaitable[Context]],
        responses: Responses,
        count_call: Callable[[Request, StoredOperation, Route], None],
        patch_returns: PatchReturns = "auto",
        pages: Mapping[str, Callable[[Request], Response]],
    ) -> None:
        self._prefix = f"/{version}"
        self._routes = [
            (operation, route) for operation in operations for route in operation.routes
        ]
        self._schema = schema
        self._make_context = make_context
        self._responses = responses
        self._count_call = count_call
        self._patch_returns = patch_returns
        self._pages = pages
        self._matches = lru_cache(REMEMBERED_PATHS)(self._find)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path = self._path(request)
        method = "GET" if request.method == "HEAD" else request.method
        if method == "GET" and path in self._pages:
            return self._pages[path](request)
        matches = self._matches(path)
        if not matches:
            return self._redirect_to_slash(request, path)
        if method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": _allowed(matches)})
        allowed = [match for match in matches if match.route.method == method]
        if not allowed:
            headers = {"Allow": _allowed(matches)}
            raise HTTPException(405, f'Method "{request.method}" not allowed.', headers)
        return await self._call(request, allowed)

    async def _call(self, request: Request, matches: Sequence[Match]) -> Response:
        """Operations on one path differ in its constants or in the variables that they require."""
        match = matches[0]
        try:
            context = await self._make_context(request)
            if context.unauthenticated and not match.route.public:
                response = self._responses.unauthenticated(context.unauthenticated)
            else:
                body = await read_body(request) if match.route.method != "GET" else {}
                match = _choose(matches, body)
                self._count_call(request, match.operation, match.route)
                response = await self._execute(request, context, match, body)
        except HTTPException as error:
            response = self._responses.json(
                {"detail": error.detail}, error.status_code, error.headers
            )
        except InvalidInput as error:
            response = self._input_errors(error.errors, match.route)
        successor = f"{request.scope.get('root_path', '').removesuffix(MOUNT)}/graphql"
        response.headers["Link"] = f'<{successor}>; rel="successor-version"'
        response.headers.update(match.operation.retirement.headers)
        return response

    async def _execute(
        self, request: Request, context: Context, match: Match, body: Any
    ) -> Response:
        operation, route, parameters = match
        variables = read_path(operation, route, parameters) | read_variables(operation, route, body)
        if operation.has_optional_body:
            variables[REPRESENTATION] = self._wants_representation(request)
        result = await self._schema.execute(operation.document, context, variables)
        return self._render(operation, route, result)

    def _render(
        self, operation: StoredOperation, route: Route, result: ExecutionResult
    ) -> Response:
        """The success, unless an error, an error of a payload or a missing value prevents it."""
        errors = [error.formatted for error in result.errors or ()]
        for error in errors:
            # A cluster that is down makes fields null, and only @required ones an error
            if result.data is None or error["extensions"]["code"] != ErrorCode.UNAVAILABLE.value:
                return self._error(error["message"], error["extensions"], route)
        values = list(_values(operation.fields, result.data)) if operation.is_conditional else ()
        for field, value in values:
            if field.holds_errors and value:
                return self._payload_errors(value, operation.field_names, route)
        for field, value in values:
            if field.required and value is None:
                if errors:
                    return self._error(errors[0]["message"], errors[0]["extensions"], route)
                return self._responses.error(ErrorCode.UNAVAILABLE, field.required, {})
        response = self._success(operation, result.data)
        for field, value in values:
            if field.cookie and value is not None:
                response.set_cookie(field.cookie, value, samesite="lax")
        return response

    def _success(self, operation: StoredOperation, value: Any) -> Response:
        for field in operation.body_path:
            if field.key not in value:
                return Response(status_code=204)
            value = value[field.key]
        return self._responses.json(
            operation.body_path[-1].render(value) if operation.body_path else {}
        )

    def _error(self, message: str, extensions: Mapping[str, Any], route: Route) -> Response:
        code = ErrorCode(extensions["code"])
        if code in INPUT_CODES:
            return self._input_errors({"non_field_errors": [message]}, route)
        return self._responses.error(code, message, extensions)

    def _payload_errors(
        self, errors: Sequence[Mapping[str, Any]], field_names: Mapping[str, str], route: Route
    ) -> Response:
        by_field: dict[str, list[str]] = {}
        for error in errors:
            if ErrorCode(error["code"]) not in INPUT_CODES:
                return self._error(error["message"], error, route)
            name = field_names.get(error["field"], error["field"]) or "non_field_errors"
            by_field.setdefault(name, []).append(error["message"])
        return self._input_errors(by_field, route)

    def _input_errors(self, errors: InputErrors, route: Route) -> Response:
        return self._responses.json(errors, 422 if route.method == "PATCH" else 400)

    def _find(self, path: str) -> tuple[Match, ...]:
        return tuple(
            Match(operation, route, parameters)
            for operation, route in self._routes
            if (parameters := route.path.match(path)) is not None
        )

    def _path(self, request: Request) -> str:
        """The path below the version; the bootstrap document is served without one as well."""
        path: str = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        if path == "/":
            return path
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            return path.removeprefix(self._prefix)
        if OTHER_VERSION.fullmatch(path):
            raise HTTPException(404, "Invalid version in URL path.")
        raise HTTPException(404)

    def _redirect_to_slash(self, request: Request, path: str) -> Response:
        with_slash = f"{path}/"
        if path.endswith("/") or not (self._matches(with_slash) or with_slash in self._pages):
            raise HTTPException(404)
        # 308 keeps the method and the body of a POST
        status = 301 if request.method in ("GET", "HEAD") else 308
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{request.url.path}/{query}", status)

    def _wants_representation(self, request: Request) -> bool:
        preference = request.headers.get("prefer", "").lower().replace(" ", "")
        if "return=representation" in preference:
            return True
        if "return=minimal" in preference:
            return False
        if self._patch_returns == "auto":
            return "origin" in request.headers
        return self._patch_returns == "representation"


def _choose(matches: Sequence[Match], body: Any) -> Match:
    """The first operation whose required variables the body has, or else the first one."""
    named = [
        match for match in matches if match.route.path.constants.items() <= match.parameters.items()
    ]
    if not named:
        raise HTTPException(404, "Not found.")
    keys = body.keys() if isinstance(body, dict) else set()
    for match in named:
        variables = match.operation.body_variables(match.route)
        if {variable.name for variable in variables if variable.required} <= keys:
            return match
    return named[0]


def _allowed(matches: Sequence[Match]) -> str:
    methods = {match.route.method for match in matches}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set()) | {"OPTIONS"}))


def _values(
    fields: Sequence[SelectedField], data: Mapping[str, Any] | None
) -> Iterator[tuple[SelectedField, Any]]:
    """Each selected field outside of lists with its value; it is null where its parent is."""
    for field in fields:
        value = None if data is None else data.get(field.key)
        yield field, value
        if not isinstance(value, list):
            yield from _values(field.children, value)


async def read_body(request: Request) -> Any:
    """The JSON or form body; an empty one is an empty object."""
    kind, parameters = parse_options_header(request.headers.get("content-type", ""))
    content_type = kind.decode("latin-1").strip().lower()
    if content_type in FORM_TYPES:
        return await _read_form(request, parameters.get(b"charset", b"utf-8"))
    content = await request.body()
    if not content:
        return {}
    if content_type != "application/json":
        raise HTTPException(415, f'Unsupported media type "{content_type}" in request.')
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"JSON parse error - {error}") from None


async def _read_form(request: Request, charset: bytes) -> dict[str, Any]:
    # Some of Python's codecs take minutes for a megabyte, or let lone surrogates through
    if charset.lower() not in (b"utf-8", b"utf8"):
        raise HTTPException(415, "Send forms in UTF-8.")
    try:
        async with request.form(max_files=0) as form:
            return dict(form)
    except HTTPException as error:
        raise HTTPException(error.status_code, f"Form parse error - {error.detail}") from None


def read_path(
    operation: StoredOperation, route: Route, parameters: Mapping[str, str]
) -> dict[str, Any]:
    """Raises HTTPException 404 for a text that cannot be an id."""
    return {
        variable.name: _database_id(parameters[variable.name])
        if variable.type == "Int"
        else parameters[variable.name]
        for variable in operation.path_variables(route)
    }


def _database_id(text: str) -> int:
    # isdigit alone accepts the digits of all scripts; int refuses or takes long for long texts
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAXIMUM_INT:
        return int(text)
    raise HTTPException(404, "Not found.")


def read_variables(operation: StoredOperation, route: Route, body: Any) -> dict[str, Any]:
    """The variables in the body; other keys have no effect. Raises InvalidInput."""
    if not isinstance(body, dict):
        kind = JSON_TYPES.get(type(body), "null")
        message = f"Invalid data. Expected a dictionary, but got {kind}."
        raise InvalidInput({"non_field_errors": [message]})
    variables = operation.body_variables(route)
    errors = {each.name: error for each in variables if (error := _error(each, route, body))}
    if errors:
        raise InvalidInput({name: [error] for name, error in errors.items()})
    return {each.name: body[each.name] for each in variables if each.name in body}


def _error(variable: Variable, route: Route, body: Mapping[str, Any]) -> str | None:
    if variable.name not in body:
        return "This field is required." if variable.required else None
    value = body[variable.name]
    if value is None:
        return None if variable.may_be_null(route) else "This field may not be null."
    return None if isinstance(value, str) else "Not a valid string."
