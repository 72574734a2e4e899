from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import strawberry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

import rest_compat
from auth.passwords import Passwords
from cluster.cluster import Clusters
from portal.container import CLOSING, Portal
from portal.settings import Settings
from portal.web import endpoints
from portal.web.documents import Documents, documents_of
from portal.web.endpoints import kubeconfig, sdl
from portal.web.graphql import GraphQLEndpoint
from portal.web.middleware import (
    BodyLimit,
    BrowserSafety,
    ClientAddresses,
    Cors,
    DatabaseAccess,
    RequestIds,
    UnexpectedErrors,
)
from portal.web.playground import Playground
from portal.web.sse import EventStream
from portal.web.streams import DEFAULT_STREAM_LIMITS, OpenStreams, StreamLimits
from portal.web.websocket import GraphQLSocket
from rest_compat.api import MOUNT, RestApi
from rest_compat.explain import explain, page
from rest_compat.openapi import describe
from rest_compat.operations import Retirement, StoredOperation, load
from rest_compat.status import json_response
from schema.executor import Executor
from schema.guard import Introspection
from schema.limits import Limits
from schema.root import REST_API_VERSION, build_schema

METHODS = ("GET", "POST")
MAXIMUM_BODY = 1024 * 1024
REST_DOCUMENTS = Path(rest_compat.__file__).parent / "documents" / REST_API_VERSION


@dataclass(frozen=True, slots=True)
class Contract:
    """The schema and the stored operations, which depend on the code alone.

    Building them takes longer than the rest of the application: who makes several builds them once.
    """

    schema: strawberry.Schema
    operations: Sequence[StoredOperation]


def build_contract(documents: Path = REST_DOCUMENTS) -> Contract:
    schema = build_schema()
    return Contract(schema, load(documents, Executor(schema).graphql_schema))


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    clusters: Clusters | None = None,
    passwords: Passwords | None = None,
    stream_limits: StreamLimits = DEFAULT_STREAM_LIMITS,
    contract: Contract | None = None,
) -> Starlette:
    """The portal as an ASGI application; the database must have been migrated."""
    portal = Portal(
        settings, clock=clock, clusters=clusters, passwords=passwords, stream_limits=stream_limits
    )
    contract = contract or build_contract()
    executor = make_executor(settings, contract.schema)
    operations = retired(contract.operations, settings.rest_retirement)
    documents = documents_of(settings, operations, executor)
    playground = Playground() if settings.playground else None

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        await portal.open()
        yield {CLOSING: portal.closing}
        await executor.finish()
        await portal.close()

    routes = [
        Route("/healthz", endpoints.healthz),
        Route("/readyz", endpoints.readyz(portal)),
        *graphql(portal, executor, documents, playground),
        *(playground.routes() if playground else ()),
        Route("/graphql/schema.graphql", sdl(executor, portal.context)),
        Route("/kubeconfig", kubeconfig(executor, portal.context)),
        Route("/graphql/", to("/graphql"), methods=METHODS),
        Route("/api", to("/api/"), methods=METHODS),
        Mount(MOUNT, rest_api(portal, executor, operations), name="rest"),
    ]
    app = Starlette(
        routes=routes,
        middleware=middleware(portal),
        exception_handlers={HTTPException: http_error},
        lifespan=lifespan,
    )
    # Starlette's own redirects name the host and the scheme, which a proxy knows better
    app.router.redirect_slashes = False
    return app


def middleware(portal: Portal) -> list[Middleware]:
    """From the outside to the inside."""
    return [
        Middleware(ClientAddresses, proxies=portal.settings.trusted_proxies),
        Middleware(RequestIds),
        Middleware(BrowserSafety),
        Middleware(Cors, origins=portal.settings.allowed_urls),
        Middleware(UnexpectedErrors),
        Middleware(BodyLimit, maximum=MAXIMUM_BODY),
        Middleware(DatabaseAccess, database=portal.database),
    ]


def make_executor(settings: Settings, schema: strawberry.Schema) -> Executor:
    limits = Limits(cost=settings.graphql_max_cost, time=settings.graphql_timeout)
    introspection = Introspection(settings.graphql_introspection)
    return Executor(schema, limits=limits, introspection=introspection)


def retired(operations: Sequence[StoredOperation], outlook: Retirement) -> list[StoredOperation]:
    """The operator's outlook is for the operations that announce nothing of their own."""
    return [
        replace(each, retirement=outlook) if each.retirement == Retirement() else each
        for each in operations
    ]


def graphql(
    portal: Portal, executor: Executor, documents: Documents, playground: Playground | None
) -> list[BaseRoute]:
    limits = portal.stream_limits
    event_stream = partial(EventStream, keep_alive=limits.keep_alive, closing=portal.closing)
    playground_page = playground.page if playground else None
    streams = OpenStreams(limits.connections)
    endpoint = GraphQLEndpoint(
        executor,
        documents,
        portal.context,
        playground_page,
        event_stream,
        streams,
        portal.settings.graphql_http_profile,
    )
    origins = portal.settings.allowed_urls
    socket = GraphQLSocket(
        executor, documents, portal.context, streams, origins=origins, limits=limits
    )
    return [Route("/graphql", endpoint, name="graphql"), WebSocketRoute("/graphql", socket)]


def to(path: str) -> Callable[[Request], Response]:
    """A redirect to a path beside the requested one, whatever the prefix before both is."""

    def redirect(request: Request) -> Response:
        prefix = request.scope.get("root_path", "")
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{prefix}{path}{query}")

    return redirect


def rest_api(portal: Portal, executor: Executor, operations: Sequence[StoredOperation]) -> RestApi:
    description = describe(operations, version=REST_API_VERSION)
    return RestApi(
        version=REST_API_VERSION,
        operations=operations,
        schema=executor,
        make_context=portal.context,
        note_call=portal.rest_usage.note,
        patch_returns=portal.settings.rest_patch_returns,
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
