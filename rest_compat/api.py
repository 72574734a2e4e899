"""The REST API: finds the stored operation of a request, runs it, renders its result."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from graphql import DocumentNode, ExecutionResult
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from resolvers.errors import Unauthenticated
from rest_compat.inputs import body_variables, fits, path_variables, read_body
from rest_compat.operations import REPRESENTATION, Route, StoredOperation
from rest_compat.results import answer
from rest_compat.routes import Match, RouteTable
from rest_compat.status import Refusal, unauthenticated

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
