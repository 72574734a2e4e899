"""What clients call: one method of one path, answered by one operation or by several."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
)
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from resolvers.errors import CredentialsProblem, ErrorCode, Unauthenticated
from rest_compat.operations import (
    REPRESENTATION,
    Match,
    Route,
    RouteTable,
    Shape,
    StoredOperation,
    Variable,
    body_variables,
    fits,
    path_variables,
    read_body,
)
from rest_compat.status import Refusal, json_response, payload_refusal, refusal, unauthenticated


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Operations on one path differ in a constant part of it, or in what their bodies hold.

    `name` is the only one of its kind in the API.
    """

    name: str
    method: str
    path: str
    routes: tuple[tuple[StoredOperation, Route], ...]

    @property
    def operations(self) -> list[StoredOperation]:
        return [operation for operation, _ in self.routes]

    @property
    def public(self) -> bool:
        return self.routes[0][1].public

    @property
    def nouns(self) -> list[str]:
        return list(dict.fromkeys(operation.noun for operation in self.operations))

    @property
    def path_variables(self) -> list[Variable]:
        operation, route = self.routes[0]
        return [each for each in operation.variables if each.name in route.path.variables]

    @property
    def choices(self) -> dict[str, dict[str, str]]:
        """By the name of a part of the path: its constants, and what each one stands for."""
        found: dict[str, dict[str, str]] = {}
        for operation, route in self.routes:
            for name, constant in route.path.constants.items():
                found.setdefault(name, {})[constant] = operation.summary
        return found

    @property
    def inputs(self) -> list[tuple[StoredOperation, tuple[Variable, ...]]]:
        """The variables that come with the body, for each operation that has some."""
        found = [(operation, operation.body_variables(route)) for operation, route in self.routes]
        return [(operation, variables) for operation, variables in found if variables]

    @property
    def retirement_headers(self) -> set[str]:
        """Which headers announce the end of one of the operations."""
        return {name for each in self.operations for name in each.retirement.headers}

    @property
    def signs_in(self) -> bool:
        return self.public and bool(self.inputs)

    @property
    def answers_without_body(self) -> bool:
        return any(operation.has_optional_body for operation in self.operations)


def endpoints(operations: Sequence[StoredOperation]) -> list[Endpoint]:
    """All endpoints, in the order of their documents."""
    grouped: dict[tuple[str, str], list[tuple[StoredOperation, Route]]] = {}
    for operation in operations:
        for route in operation.routes:
            grouped.setdefault((route.path.openapi, route.method), []).append((operation, route))
    return list(_named(grouped))


def uses_token(operation: StoredOperation, route: Route) -> bool:
    """A public mutation that takes nothing else can only be about the caller's own session."""
    return not route.public or (operation.kind == "mutation" and not operation.variables)


def _named(
    grouped: dict[tuple[str, str], list[tuple[StoredOperation, Route]]],
) -> Iterator[Endpoint]:
    taken: set[str] = set()
    for (path, method), routes in grouped.items():
        name = routes[0][0].name if len(routes) == 1 else _words(path)
        if name in taken:
            name += method.title()
        taken.add(name)
        yield Endpoint(name, method, path, tuple(routes))


def _words(path: str) -> str:
    constant = re.sub(r"\{\w+\}", "", path)
    return "".join(word.title() for word in re.findall(r"[^\W_]+", constant))


def answer(operation: StoredOperation, route: Route, result: ExecutionResult) -> Response:
    """Raises Refusal when an error, a payload's error or a missing value forbids success."""
    data = result.data or {}
    errors = list(result.errors or ())
    for error in errors:
        if result.data is None or not _is_tolerable(error):
            raise _refusal(error, route)
    for payload_errors in _payload_errors(operation.shapes, data):
        raise payload_refusal(payload_errors, operation.field_names, route.method)
    for message in _missing(operation.shapes, data):
        raise _refusal(errors[0], route) if errors else _unavailable(message, route)
    return _success(operation, data)


def _success(operation: StoredOperation, data: Mapping[str, Any]) -> Response:
    value: Any = data
    for shape in operation.body_path:
        if shape.key not in value:
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        value = value[shape.key]
    response = json_response(operation.body_path[-1].render(value) if operation.body_path else {})
    for name, cookie in _cookies(operation.shapes, data):
        response.set_cookie(name, cookie, samesite="lax")
    return response


def _is_tolerable(error: GraphQLError) -> bool:
    """What the cluster does not tell now is null in the answer, unless it is required."""
    return _code(error) is ErrorCode.UNAVAILABLE


def _code(error: GraphQLError) -> ErrorCode:
    return ErrorCode((error.extensions or {})["code"])


def _refusal(error: GraphQLError, route: Route) -> Refusal:
    return refusal(_code(error), error.message, error.extensions or {}, route.method)


def _unavailable(message: str, route: Route) -> Refusal:
    return refusal(ErrorCode.UNAVAILABLE, message, {}, route.method)


def _payload_errors(
    shapes: tuple[Shape, ...], value: Mapping[str, Any]
) -> Iterator[list[dict[str, Any]]]:
    for shape in shapes:
        inner = value.get(shape.key)
        if shape.holds_errors and inner:
            yield inner
        elif isinstance(inner, dict):
            yield from _payload_errors(shape.children, inner)


def _missing(shapes: tuple[Shape, ...], value: Mapping[str, Any] | None) -> Iterator[str]:
    for shape in shapes:
        inner = None if value is None else value.get(shape.key)
        if inner is None and shape.required:
            yield shape.required
        elif not isinstance(inner, list):
            yield from _missing(shape.children, inner)


def _cookies(shapes: tuple[Shape, ...], value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for shape in shapes:
        inner = value.get(shape.key)
        if shape.cookie and inner is not None:
            yield shape.cookie, inner
        elif isinstance(inner, dict):
            yield from _cookies(shape.children, inner)


STRING = {"type": "string"}
SCHEMAS: dict[str, dict[str, Any]] = {
    "Error": {
        "type": "object",
        "description": "Why there is no success.",
        "properties": {
            "detail": {**STRING, "description": "For people to read."},
            "code": {
                **STRING,
                "enum": [problem.value for problem in CredentialsProblem],
                "description": "What is wrong with the access token.",
            },
            "request_id": {**STRING, "description": "For whoever reads the portal's log."},
        },
        "required": ["detail"],
    },
    "InputErrors": {
        "type": "object",
        "description": "By field, what is wrong with it; `non_field_errors` are about the whole.",
        "additionalProperties": {"type": "array", "items": STRING},
        "minProperties": 1,
    },
}


class Status(NamedTuple):
    name: str
    description: str
    schemas: tuple[str, ...] = ("Error",)
    header: tuple[str, str] | None = None

    def response(self) -> dict[str, Any]:
        references = [{"$ref": f"#/components/schemas/{name}"} for name in self.schemas]
        schema = references[0] if len(references) == 1 else {"anyOf": references}
        content = {"application/json": {"schema": schema}}
        described = {"description": self.description, "content": content}
        if self.header is None:
            return described
        name, description = self.header
        return {**described, "headers": {name: {"description": description, "schema": STRING}}}


REFUSALS = {
    "400": Status(
        "BadInput",
        "The body can't be read, or does not fit.",
        ("InputErrors", "Error"),
    ),
    "401": Status(
        "Unauthenticated",
        "Sign in first, or again.",
        header=("WWW-Authenticate", "Asks for a bearer token."),
    ),
    "403": Status("Forbidden", "You are known, but may not do this."),
    "404": Status("NotFound", "There is no such thing."),
    "422": Status(
        "UnprocessableInput", "The body does not fit, or changes nothing.", ("InputErrors",)
    ),
    "429": Status(
        "RateLimited", "Too many attempts.", header=("Retry-After", "How many seconds to wait.")
    ),
    "503": Status(
        "Unavailable", "A cluster or an identity provider does not answer, or the database is busy."
    ),
    "default": Status("Failure", "Another refusal, or a fault of the portal."),
}


def responses() -> dict[str, dict[str, Any]]:
    """All refusals by name."""
    return {refusal.name: refusal.response() for refusal in REFUSALS.values()}


def references(endpoint: Endpoint) -> dict[str, dict[str, str]]:
    """The refusals of an endpoint by status."""
    return {
        status: {"$ref": f"#/components/responses/{REFUSALS[status].name}"}
        for status in sorted(_statuses(endpoint))
    }


def _statuses(endpoint: Endpoint) -> Iterator[str]:
    yield "default"
    if not endpoint.public:
        yield "401"
    if endpoint.path_variables:
        yield from ("403", "404")
    if endpoint.choices:
        yield "404"
    if endpoint.inputs:
        yield "400"
    if endpoint.method == "PATCH":
        yield "422"
    if endpoint.signs_in:
        yield from ("429", "503")
    if any(map(_requires, (shape for each in endpoint.operations for shape in each.shapes))):
        yield "503"


def _requires(shape: Shape) -> bool:
    return bool(shape.required) or any(map(_requires, shape.children))


MOUNT = "/api"
OTHER_VERSION = re.compile(r"/v\d[^/]*/.*")
NOT_FOUND = {"detail": "Not found."}
PatchReturns = Literal["auto", "nothing", "representation"]


class Context(Protocol):
    @property
    def unauthenticated(self) -> Unauthenticated | None: ...


class ExecutableSchema(Protocol):
    async def execute(
        self, document: DocumentNode, context: Any, variables: Mapping[str, Any] | None = None
    ) -> ExecutionResult: ...


class RestApi:
    """An ASGI application to mount at MOUNT.

    `note_call` hears of each call that needs no sign-in first, whatever comes of it.
    `pages` are answers that are no operations, by their path below the version.
    """

    def __init__(
        self,
        *,
        version: str,
        operations: Sequence[StoredOperation],
        schema: ExecutableSchema,
        make_context: Callable[[Request], Awaitable[Context]],
        note_call: Callable[[Request, StoredOperation, Route], None],
        patch_returns: PatchReturns = "auto",
        pages: Mapping[str, Callable[[Request], Response]],
    ) -> None:
        self._prefix = f"/{version}"
        self._routes = RouteTable(operations)
        self._schema = schema
        self._make_context = make_context
        self._note_call = note_call
        self._patch_returns = patch_returns
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Refusal as refusal:
            response = refusal.response()
        if request.method == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = self._path(request)
        method = "GET" if request.method == "HEAD" else request.method
        if method == "GET" and path in self._pages:
            return self._pages[path](request)
        matches = self._routes.matches(path)
        if not matches:
            return self._elsewhere(request, path)
        if method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": _allowed(matches)})
        chosen = [match for match in matches if match.route.method == method]
        if not chosen:
            detail = {"detail": f'Method "{request.method}" not allowed.'}
            raise Refusal(405, detail, {"Allow": _allowed(matches)})
        return await self._announced(request, chosen)

    async def _announced(self, request: Request, matches: Sequence[Match]) -> Response:
        """The answer, success or refusal, with what is to come of the operation."""
        match = matches[0]
        try:
            context = await self._admit(request, match.route)
            body = await read_body(request) if match.route.method != "GET" else {}
            fitting = (each for each in matches if fits(each.operation, each.route, body))
            match = next(fitting, match)
            self._note_call(request, match.operation, match.route)
            response = await self._run(request, context, match, body)
        except Refusal as refusal:
            response = refusal.response()
        response.headers["Link"] = f'<{_root(request)}/graphql>; rel="successor-version"'
        response.headers.update(match.operation.retirement.headers)
        return response

    async def _admit(self, request: Request, route: Route) -> Context:
        """Raises Refusal for those who have to sign in first."""
        context = await self._make_context(request)
        problem = context.unauthenticated
        if problem and not route.public:
            raise unauthenticated(problem.message, problem.problem and problem.problem.value)
        return context

    async def _run(self, request: Request, context: Context, match: Match, body: Any) -> Response:
        operation, route, texts = match
        variables = path_variables(operation, texts) | body_variables(operation, route, body)
        if operation.has_optional_body:
            variables[REPRESENTATION] = self._wants_representation(request)
        result = await self._schema.execute(operation.document, context, variables)
        return answer(operation, route, result)

    def _path(self, request: Request) -> str:
        """The path below the version; the bootstrap has none. Raises Refusal for another one."""
        path: str = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        if path == "/":
            return path
        if path.startswith(f"{self._prefix}/"):
            return path.removeprefix(self._prefix)
        if path == self._prefix:
            return ""
        if OTHER_VERSION.fullmatch(path):
            raise Refusal(404, {"detail": "Invalid version in URL path."})
        raise Refusal(404, NOT_FOUND)

    def _elsewhere(self, request: Request, path: str) -> Response:
        """A path that lacks only its final slash is sent there; the method stays the same."""
        if path.endswith("/") or not (
            self._routes.matches(f"{path}/") or f"{path}/" in self._pages
        ):
            raise Refusal(404, NOT_FOUND)
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


def _root(request: Request) -> str:
    """The path of the portal, which is empty unless it is served below another one."""
    mounted: str = request.scope.get("root_path", "")
    return mounted.removesuffix(MOUNT)


def _allowed(matches: Sequence[Match]) -> str:
    methods = {match.route.method for match in matches}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set()) | {"OPTIONS"}))
