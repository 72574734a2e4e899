from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

import rest_compat
from cluster.clusters import Clusters
from portal import health
from portal.draining import CLOSING
from portal.graphql_http import GraphQLEndpoint
from portal.graphql_sse import EventStream
from portal.graphql_ws import GraphQLSocket
from portal.kubeconfig_http import kubeconfig
from portal.middleware import BodyLimit, Cors, DatabaseAccess, RequestIds, UnexpectedErrors
from portal.playground import assets, playground
from portal.portal import Portal
from portal.settings import Settings
from portal.stream_limits import DEFAULT_STREAM_LIMITS, StreamLimits
from rest_compat.api import RestApi
from rest_compat.explain import explain
from rest_compat.explain_page import page
from rest_compat.openapi import describe
from rest_compat.operations import load
from rest_compat.responses import json_response
from schema.executor import Executor
from schema.portal import REST_API_VERSION
from schema.root import build_schema

METHODS = ("GET", "POST")
MAXIMUM_BODY = 1024 * 1024
REST_DOCUMENTS = Path(rest_compat.__file__).parent / "documents" / REST_API_VERSION


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    clusters: Clusters | None = None,
    stream_limits: StreamLimits = DEFAULT_STREAM_LIMITS,
) -> Starlette:
    """The portal as an ASGI application; the database must have been migrated."""
    portal = Portal(settings, clock=clock, clusters=clusters, stream_limits=stream_limits)
    executor = Executor(build_schema())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        await portal.open()
        yield {CLOSING: portal.closing}
        await portal.close()

    app = Starlette(
        routes=[
            Route("/healthz", health.healthz),
            Route("/readyz", health.readyz(portal)),
            *graphql(portal, executor),
            *assets(),
            Route("/graphql/schema.graphql", sdl(executor)),
            Route("/kubeconfig", kubeconfig(executor, portal.context)),
            Route("/graphql/", to("/graphql"), methods=METHODS),
            Route("/api", to("/api/"), methods=METHODS),
            Mount("/api", rest_api(settings, portal, executor), name="rest"),
        ],
        middleware=[
            Middleware(RequestIds),
            Middleware(Cors, origins=settings.allowed_urls),
            Middleware(UnexpectedErrors),
            Middleware(BodyLimit, maximum=MAXIMUM_BODY),
            Middleware(DatabaseAccess, database=portal.database),
        ],
        exception_handlers={HTTPException: http_error},
        lifespan=lifespan,
    )
    # Starlette's own redirects name the host and the scheme, which a proxy knows better
    app.router.redirect_slashes = False
    return app


def graphql(portal: Portal, executor: Executor) -> list[BaseRoute]:
    limits = portal.stream_limits
    event_stream = partial(EventStream, keep_alive=limits.keep_alive, closing=portal.closing)
    endpoint = GraphQLEndpoint(executor, portal.context, playground, event_stream)
    origins = portal.settings.allowed_urls
    socket = GraphQLSocket(executor, portal.context, origins=origins, limits=limits)
    return [Route("/graphql", endpoint, name="graphql"), WebSocketRoute("/graphql", socket)]


def to(path: str) -> Callable[[Request], Response]:
    """A redirect to a path beside the requested one, whatever the prefix before both is."""

    def redirect(request: Request) -> Response:
        prefix = request.scope.get("root_path", "")
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{prefix}{path}{query}")

    return redirect


def sdl(executor: Executor) -> Callable[[Request], Response]:
    return lambda _: PlainTextResponse(executor.sdl)


def rest_api(settings: Settings, portal: Portal, executor: Executor) -> RestApi:
    operations = load(REST_DOCUMENTS, executor.graphql_schema)
    description = describe(operations, version=REST_API_VERSION)
    return RestApi(
        version=REST_API_VERSION,
        operations=operations,
        schema=executor,
        make_context=portal.context,
        patch_returns=settings.rest_patch_returns,
        pages={
            "/openapi.json": lambda _: json_response(description),
            "/explain/": page(explain(operations, version=REST_API_VERSION)),
        },
    )


async def http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    detail = "Not found." if error.status_code == 404 else error.detail
    return json_response({"detail": detail}, error.status_code, error.headers)
