"""The portal as an ASGI application: its routes, its middleware and what they are made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
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
from portal.container import Portal
from portal.settings import Settings
from portal.web import endpoints, responses
from portal.web.documents import Documents, TrustedDocuments, load_documents, portal_documents
from portal.web.graphql import GraphQLEndpoint
from portal.web.home import home
from portal.web.middleware import PortalMiddleware
from portal.web.playground import Playground
from portal.web.sse import CLOSING, EventStream
from portal.web.streams import DEFAULT_STREAM_LIMITS, OpenStreams, StreamLimits, client_name
from portal.web.websocket import GraphQLSocket
from resolvers.rest_usage import Call
from rest_compat.api import MOUNT, RestApi
from rest_compat.explain import explain, page
from rest_compat.openapi import describe
from rest_compat.operations import Retirement, StoredOperation, load
from rest_compat.operations import Route as RestRoute
from schema.executor import Executor
from schema.guard import Introspection
from schema.limits import Limits
from schema.root import REST_API_VERSION, build_schema

METHODS = ("GET", "POST")
REST_DOCUMENTS = Path(rest_compat.__file__).parent / "documents" / REST_API_VERSION


@dataclass(frozen=True, slots=True)
class Contract:
    """The schema, the stored operations and our documents, which depend on the code alone.

    Building them takes longer than the rest of the application, so tests share one.
    """

    schema: strawberry.Schema
    operations: Sequence[StoredOperation]
    documents: TrustedDocuments


def build_contract(documents: Path = REST_DOCUMENTS) -> Contract:
    schema = build_schema()
    executor = Executor(schema)
    operations = load(documents, executor.graphql_schema)
    return Contract(schema, operations, portal_documents(operations, executor))


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
    """The application; the database must have been migrated. Raises SettingsError."""
    portal = Portal(
        settings,
        clock=clock,
        clusters=clusters,
        passwords=passwords,
        recheck_interval=stream_limits.recheck_interval,
    )
    contract = contract or build_contract()
    executor = make_executor(settings, contract.schema)
    operations = with_retirement(contract.operations, settings.rest_retirement)
    documents = load_documents(settings, contract.documents, executor)
    playground = Playground() if settings.playground else None
    closing = asyncio.Event()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        await portal.open()
        yield {CLOSING: closing}
        await executor.finish()
        await portal.close()

    app = Starlette(
        # The busiest first: Starlette looks through them for each request
        routes=[
            Mount(MOUNT, rest_api(portal, executor, operations), name="rest"),
            *graphql_routes(portal, executor, documents, playground, stream_limits, closing),
            Route("/", home(settings.branding, portal.version, playground)),
            Route("/healthz", endpoints.healthz),
            Route("/readyz", endpoints.readyz(portal)),
            Route("/graphql/schema.graphql", endpoints.sdl(executor, portal.context)),
            Route("/graphql/", redirect_to("/graphql"), methods=METHODS),
            Route("/kubeconfig", endpoints.kubeconfig(executor, portal.context)),
            Route("/api", redirect_to("/api/"), methods=METHODS),
        ],
        middleware=[
            Middleware(
                PortalMiddleware,
                proxies=settings.trusted_proxies,
                origins=settings.allowed_urls,
                database=portal.database,
            )
        ],
        exception_handlers={HTTPException: responses.http_exception},
        lifespan=lifespan,
    )
    # Starlette's own redirects name the host and the scheme, which may be wrong behind a proxy
    app.router.redirect_slashes = False
    return app


def make_executor(settings: Settings, schema: strawberry.Schema) -> Executor:
    limits = Limits(cost=settings.graphql_max_cost, time=settings.graphql_timeout)
    introspection = Introspection(settings.graphql_introspection)
    return Executor(schema, limits=limits, introspection=introspection)


def with_retirement(
    operations: Sequence[StoredOperation], retirement: Retirement
) -> list[StoredOperation]:
    """The operator's retirement is for operations without one of their own."""
    return [
        replace(each, retirement=retirement) if each.retirement == Retirement() else each
        for each in operations
    ]


def graphql_routes(
    portal: Portal,
    executor: Executor,
    documents: Documents,
    playground: Playground | None,
    limits: StreamLimits,
    closing: asyncio.Event,
) -> list[BaseRoute]:
    streams = OpenStreams(limits.connections)
    endpoint = GraphQLEndpoint(
        executor,
        documents,
        portal.context,
        playground=playground.page if playground else None,
        event_stream=partial(EventStream, keep_alive=limits.keep_alive, closing=closing),
        streams=streams,
        profile=portal.settings.graphql_http_profile,
    )
    socket = GraphQLSocket(
        executor,
        documents,
        portal.context,
        streams,
        origins=portal.settings.allowed_urls,
        limits=limits,
    )
    return [
        Route("/graphql", endpoint, name="graphql"),
        WebSocketRoute("/graphql", socket),
        *(playground.routes() if playground else ()),
    ]


def rest_api(portal: Portal, executor: Executor, operations: Sequence[StoredOperation]) -> RestApi:
    @cache
    def openapi() -> dict[str, Any]:
        return describe(operations, version=REST_API_VERSION)

    @cache
    def explain_page() -> Callable[[Request], Response]:
        return page(explain(operations, version=REST_API_VERSION), responses)

    def count_call(request: Request, operation: StoredOperation, route: RestRoute) -> None:
        client = client_name(request.headers)
        portal.rest_usage.count(Call(route.method, route.path.openapi, operation.name, client))

    return RestApi(
        version=REST_API_VERSION,
        operations=operations,
        schema=executor,
        make_context=portal.context,
        responses=responses,
        count_call=count_call,
        patch_returns=portal.settings.rest_patch_returns,
        pages={
            "/openapi.json": lambda _: responses.json(openapi()),
            "/explain/": lambda request: explain_page()(request),
        },
    )


def redirect_to(path: str) -> Callable[[Request], Response]:
    """A redirect to a path of the portal, below the prefix that it is served under."""

    def redirect(request: Request) -> Response:
        prefix = request.scope.get("root_path", "")
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{prefix}{path}{query}")

    return redirect
