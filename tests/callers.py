"""A portal with people in it, and one client per caller.

Callers talk to the application in this process; with the marker `sockets` there is a real server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx2
import pytest
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette

from auth.passwords import Passwords
from cluster.cluster import Clusters
from models import (
    AccessState,
    Database,
    Grant,
    Group,
    GroupMembership,
    Membership,
    ServiceAccount,
    User,
    WebApp,
)
from portal.settings import Settings
from portal.web.app import Contract, build_contract, create_app
from portal.web.server import server_options
from portal.web.streams import DEFAULT_STREAM_LIMITS, StreamLimits

ORIGIN = "http://portal.example.org"
SECRET = "a secret of tests which is long enough"
CHEAP = 8  # KiB, the least that Argon2 takes
PATIENCE = 30.0

MakeApp = Callable[[Settings], Starlette]
Reach = Callable[[Starlette], AbstractAsyncContextManager[httpx2.AsyncClient]]


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@dataclass
class Caller:
    """Somebody who talks to the portal over HTTP, signed in or not."""

    client: httpx2.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)

    async def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer of the GraphQL endpoint."""
        body = {"query": query, "variables": variables}
        response = await self.client.post("/graphql", json=body, headers=self.headers)
        answer: dict[str, Any] = response.json()
        return answer

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = await self.graphql(query, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def codes(self, query: str, **variables: Any) -> list[str]:
        """The codes of the errors of an answer."""
        errors = (await self.graphql(query, **variables)).get("errors", [])
        return [error["extensions"]["code"] for error in errors]

    async def rest(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **request: Any
    ) -> httpx2.Response:
        """An answer of the REST API; the path is relative to its version."""
        all_headers = {**self.headers, **(headers or {})}
        return await self.client.request(
            method, f"/api/v1.4.0{path}", headers=all_headers, **request
        )

    async def sign_in(self, username: str, password: str) -> Caller:
        answer = await self.data(
            """mutation ($username: String!, $password: String!) {
                 login(input: {username: $username, password: $password}) {
                   accessToken errors { message } } }""",
            username=username,
            password=password,
        )
        token = answer["login"]["accessToken"]
        assert token, answer
        return Caller(self.client, {"Authorization": f"Bearer {token}"})


@dataclass
class People:
    """The users, groups and web apps that every portal of the tests has."""

    alice: User
    bob: User
    carol: User
    admin: User
    developers: Group
    operators: Group
    everyone: Group
    cluster_users: Group
    grafana: WebApp
    hidden: WebApp
    dashboard: WebApp
    unrelated: WebApp


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def clusters() -> Clusters:
    return Clusters()


@pytest.fixture
def settings(migrated_url: str) -> Settings:
    return Settings(
        database_url=migrated_url,
        secret_key=(SecretStr(SECRET),),
        allowed_urls=(ORIGIN,),
    )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.database_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="session")
def contract() -> Contract:
    """Built once, as it is the same in all tests."""
    return build_contract()


@pytest.fixture
def passwords(settings: Settings) -> Passwords:
    """As the portal's, except that they cost next to nothing."""
    return Passwords(names=settings.names, memory_kibibytes=CHEAP)


@pytest.fixture
def stream_limits() -> StreamLimits:
    return DEFAULT_STREAM_LIMITS


@pytest.fixture
def make_app(
    database: Database,
    clock: Clock,
    clusters: Clusters,
    passwords: Passwords,
    stream_limits: StreamLimits,
    contract: Contract,
) -> MakeApp:
    """For tests that need several applications; others take `app` and change the parts above."""
    return partial(
        create_app,
        clock=clock,
        clusters=clusters,
        passwords=passwords,
        stream_limits=stream_limits,
        contract=contract,
    )


@pytest.fixture
def app(make_app: MakeApp, settings: Settings) -> Starlette:
    return make_app(settings)


@pytest.fixture
def reach(request: pytest.FixtureRequest) -> Reach:
    return served if request.node.get_closest_marker("sockets") else called


@pytest.fixture
async def anonymous(reach: Reach, app: Starlette) -> AsyncIterator[Caller]:
    async with reach(app) as client:
        yield Caller(client)


class InProcess(httpx2.ASGITransport):
    """Runs each request in a task of its own, as a server does: models find their database there.

    It returns whole answers only, and none of those that do not end.
    """

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.create_task(super().handle_async_request(request))


@asynccontextmanager
async def called(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application, without a network between them."""
    async with (
        started(app),
        httpx2.AsyncClient(transport=InProcess(app), base_url="http://127.0.0.1") as client,
    ):
        yield client


@asynccontextmanager
async def started(app: Starlette) -> AsyncIterator[None]:
    """Begins and ends it in tasks of their own: the test keeps using its own database."""
    lifespan = app.router.lifespan_context(app)
    await asyncio.create_task(lifespan.__aenter__())
    try:
        yield
    finally:
        await asyncio.create_task(lifespan.__aexit__(None, None, None))


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a real HTTP server with the application."""
    async with (
        serving(app) as address,
        httpx2.AsyncClient(base_url=address, timeout=PATIENCE) as client,
    ):
        yield client


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """The address of a real HTTP server with the application."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, **server_options()))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


@pytest.fixture(scope="session")
async def password_hash() -> str:
    return await Passwords(memory_kibibytes=CHEAP).hash("correct horse")


@pytest.fixture
async def people(database: Database, password_hash: str) -> People:
    """Alice develops and has access; Bob has nothing; Carol's account is closed."""
    database.activate()
    account = await ServiceAccount.create(namespace="team-alice", name="alice")
    everyone = await Group.create(name="Everyone", membership=GroupMembership.ALL_USERS)
    cluster_users = await Group.create(name="Cluster", membership=GroupMembership.CLUSTER_USERS)
    developers = await Group.create(name="Developers")
    operators = await Group.create(name="Operators", can_admin=True)
    people = People(
        alice=await User.create(
            username="Alice",
            first_name="Alice",
            last_name="Anders",
            primary_email="alice@example.org",
            alternative_emails=["alice@alt.example.org"],
            password_hash=password_hash,
            access_state=AccessState.APPROVED,
            service_account=account,
        ),
        bob=await User.create(username="bob", first_name="Bob", password_hash=password_hash),
        carol=await User.create(username="carol", password_hash=password_hash, is_active=False),
        admin=await User.create(username="admin", password_hash=password_hash),
        developers=developers,
        operators=operators,
        everyone=everyone,
        cluster_users=cluster_users,
        grafana=await WebApp.create(
            name="Grafana",
            link_name="Grafana",
            link_url="https://grafana.example.org/",
            link_show=True,
        ),
        hidden=await WebApp.create(name="Hidden", link_name="Hidden", link_show=False),
        dashboard=await WebApp.create(
            name="Dashboard",
            link_name="Dashboard of {{namespace}}",
            link_url="https://dashboard.example.org/?account={{serviceaccount}}",
            link_show=True,
        ),
        unrelated=await WebApp.create(name="Unrelated", link_show=True),
    )
    await Membership.create(user=people.alice, group=developers)
    await Membership.create(user=people.admin, group=operators)
    for webapp in (people.grafana, people.hidden):
        await Grant.create(group=developers, webapp=webapp)
    await Grant.create(group=everyone, webapp=people.dashboard)
    return people


@pytest.fixture
async def alice(anonymous: Caller, people: People) -> Caller:
    return await anonymous.sign_in("alice", "correct horse")


@pytest.fixture
async def bob(anonymous: Caller, people: People) -> Caller:
    return await anonymous.sign_in("bob", "correct horse")


@pytest.fixture
async def admin(anonymous: Caller, people: People) -> Caller:
    return await anonymous.sign_in("admin", "correct horse")
