"""What each route and list costs in a small and in a large portal, side by side.

    python -m bench data postgres://…/small --users 100 --groups 20 --webapps 100
    python -m bench data postgres://…/large
    python -m bench scale postgres://…/small postgres://…/large

Without databases, both are created in a temporary PostgreSQL server. The portals run in this
process, without sockets and without an HTTP client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import click
import orjson
from pydantic import SecretStr
from starlette.applications import Starlette
from tortoise.models import Model

from bench.data import PASSWORD, Sizes, create, fingerprint, username
from bench.report import Table, show_progress
from bench.servers import temporary_postgres
from cluster.cluster import Clusters
from models import AuditEvent, CredentialIssue, Membership, User
from portal.settings import Settings
from portal.web.app import create_app
from resolvers.pages import BY_ID, Order, cursor
from resolvers.users import UserOrderField
from schema.audit import NEWEST_FIRST

PORTALS = {"small": Sizes(), "large": Sizes(users=100_000, groups=2_000, webapps=1_000)}
NOTE = (
    "Milliseconds of a call, and of CPU time of the portal without the database; in turns; the"
    " fastest of {rounds} rounds. The limit is for the ratio of the durations."
)
ADMINISTRATOR, MEMBER = 1, 22
WARM_UP = 10  # calls; PostgreSQL chooses between generic and custom plans after the fifth one
LOGIN = """mutation ($username: String!, $password: String!) {
  login(input: {username: $username, password: $password}) { accessToken } }"""
NODES = "edges { node { id } } pageInfo { hasNextPage endCursor }"
PEOPLE = "edges { node { username primaryEmail } } pageInfo { hasNextPage endCursor }"
BY_NAME, BY_LOGIN = UserOrderField.LAST_NAME, UserOrderField.LAST_LOGIN_AT


@dataclass(frozen=True, slots=True)
class Call:
    """A GET of a path, else a query, after the middle row of a list if there is a `deep` order."""

    name: str
    query: str = ""
    path: str = ""
    user: int = MEMBER
    deep: tuple[type[Model], Order] | None = None


def get(name: str, path: str) -> Call:
    return Call(f"GET {name}", path=f"/api/v1.4.0{path}")


def own(name: str, selection: str) -> Call:
    return Call(f"viewer: {name}", f"{{ viewer {{ {selection} }} }}")


def admin(name: str, selection: str, deep: tuple[type[Model], Order] | None = None) -> Call:
    head = "query ($after: String!)" if deep else "query"
    return Call(f"admin: {name}", f"{head} {{ admin {{ {selection} }} }}", "", ADMINISTRATOR, deep)


def members(name: str, arguments: str, deep: tuple[type[Model], Order] | None = None) -> Call:
    group, _, page = arguments.partition(" ")
    selection = f"group(databaseId: {group}) {{ members({page}) {{ {PEOPLE} }} }}"
    return admin(f"members of {name}", selection, deep)


CALLS = [
    Call("GET bootstrap", path="/api/"),
    get("user", "/users/{user}/"),
    get("groups of user", "/users/{user}/groups/"),
    get("web apps of user", "/users/{user}/webapps/"),
    get("group", "/groups/{group}/"),
    get("number of users", "/cluster/portal_user_count/"),
    Call("portal { userCount }", "{ portal { userCount } }"),
    own("groups and web apps", "isAdmin groups { name } webapps { linkName }"),
    own("sessions", "sessions { id } personalAccessTokens { id }"),
    own("access request", "accessRequest { state }"),
    own("credentials", f"credentialIssues {{ totalCount {NODES} }}"),
    own("audit events", f"auditEvents {{ totalCount {NODES} }}"),
    admin("users", f"users(first: 20) {{ {PEOPLE} }}"),
    admin("users, total", "users(first: 0) { totalCount }"),
    admin("users, deep", f"users(first: 20, after: $after) {{ {PEOPLE} }}", (User, BY_ID)),
    admin("users, last", f"users(last: 20) {{ {PEOPLE} }}"),
    admin("users by name", f"users(first: 20, orderBy: {{field: LAST_NAME}}) {{ {PEOPLE} }}"),
    admin(
        "users by name, deep",
        f"users(first: 20, after: $after, orderBy: {{field: LAST_NAME}}) {{ {PEOPLE} }}",
        (User, BY_NAME.value),
    ),
    admin(
        "users by login, last",
        f"users(last: 20, orderBy: {{field: LAST_LOGIN_AT}}) {{ {PEOPLE} }}",
    ),
    admin(
        "users by login, deep",
        f"users(first: 20, after: $after, orderBy: {{field: LAST_LOGIN_AT}}) {{ {PEOPLE} }}",
        (User, BY_LOGIN.value),
    ),
    admin("search, one hit", f'users(search: "USER42@", first: 20) {{ totalCount {PEOPLE} }}'),
    admin("search, no hit", f'users(search: "nobody", first: 20) {{ totalCount {PEOPLE} }}'),
    admin("search, many hits", f'users(search: "müll", first: 10) {{ {PEOPLE} }}'),
    admin("users, closed", f"users(filter: {{isActive: false}}, first: 5) {{ {PEOPLE} }}"),
    admin("users, administrators", f"users(filter: {{isAdmin: true}}) {{ totalCount {PEOPLE} }}"),
    admin("users, others", f"users(filter: {{isAdmin: false}}, first: 20) {{ {PEOPLE} }}"),
    admin("users, state", f"users(filter: {{accessState: REQUESTED}}) {{ totalCount {PEOPLE} }}"),
    admin("users, of a group", f"users(filter: {{group: 5}}, first: 20) {{ {PEOPLE} }}"),
    admin("users, of everyone", f"users(filter: {{group: 1}}, first: 20) {{ {PEOPLE} }}"),
    admin(
        "users with groups, apps",
        "users(first: 20) { edges { node { isAdmin groups { name } webapps { id } } } }",
    ),
    members("a group", "5 first: 20"),
    members("a group, deep", "5 first: 20, after: $after", (User, BY_ID)),
    members("everyone", "1 first: 20"),
    members("everyone, deep", "1 first: 20, after: $after", (User, BY_ID)),
    members("everyone, last", "1 last: 20"),
    members("cluster users", "2 first: 20"),
    members("cluster users, last", "2 last: 20"),
    admin("number of members", "group(databaseId: 1) { members(first: 0) { totalCount } }"),
    admin(
        "groups with members",
        "groups(first: 15) { edges { node { members(first: 5) {"
        " totalCount edges { node { username } } } } } }",
    ),
    admin("groups, search", f'groups(search: "p 11", first: 1) {{ {NODES} }}'),
    admin("web apps", f"webapps(first: 20) {{ {NODES} }}"),
    admin("web apps, search", f'webapps(search: "pp77.", first: 20) {{ totalCount {NODES} }}'),
    admin("web apps, of a group", f"webapps(filter: {{group: 5}}) {{ totalCount {NODES} }}"),
    admin("sessions of a user", "user(databaseId: 22) { sessions { id } }"),
    admin("requests", f"accessRequests(first: 20) {{ {NODES} }}"),
    admin("requests, open", f"accessRequests(state: OPEN, first: 1) {{ {NODES} }}"),
    admin("requests, last", f"accessRequests(last: 20) {{ {NODES} }}"),
    admin("credentials", f"credentialIssues(first: 20, direction: DESC) {{ {NODES} }}"),
    admin(
        "credentials, deep",
        f"credentialIssues(first: 20, after: $after) {{ {NODES} }}",
        (CredentialIssue, BY_ID),
    ),
    admin(
        "credentials, search",
        f'credentialIssues(search: "{fingerprint(42)[:12]}") {{ totalCount {NODES} }}',
    ),
    admin("audit", f"auditEvents(first: 20) {{ {NODES} }}"),
    admin("audit, total", "auditEvents(first: 0) { totalCount }"),
    admin(
        "audit, deep",
        f"auditEvents(first: 20, after: $after) {{ {NODES} }}",
        (AuditEvent, NEWEST_FIRST),
    ),
    admin(
        "audit, of an actor",
        f'auditEvents(first: 4, filter: {{actor: "VXNlcjoyMg=="}}) {{ {NODES} }}',
    ),
    admin("audit, refused", f"auditEvents(first: 10, filter: {{outcome: REFUSED}}) {{ {NODES} }}"),
    admin(
        "audit, kind", f"auditEvents(first: 20, filter: {{kinds: [USER_CHANGED]}}) {{ {NODES} }}"
    ),
    admin(
        "audit, no such kind",
        f"auditEvents(filter: {{kinds: [USER_DELETED]}}) {{ totalCount {NODES} }}",
    ),
    admin(
        "audit, old",
        f'auditEvents(first: 20, filter: {{until: "2024-01-01T01:00:00+00:00"}}) {{ {NODES} }}',
    ),
    admin(
        "audit, middle",
        f'auditEvents(first: 20, filter: {{until: "2024-04-01T01:00:00+00:00"}}) {{ {NODES} }}',
    ),
    admin(
        "audit, old changes",
        "auditEvents(first: 10, filter: {kinds: [USER_CHANGED],"
        f' until: "2024-01-01T01:00:00+00:00"}}) {{ {NODES} }}',
    ),
]


@dataclass(slots=True)
class Side:
    """One of the portals."""

    app: Starlette
    tokens: dict[int, str] = field(default_factory=dict)
    paths: dict[str, int] = field(default_factory=dict)
    deep: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    async def prepare(self) -> None:
        for user in (ADMINISTRATOR, MEMBER):
            variables = {"username": username(user), "password": PASSWORD}
            answer = await self.request(
                "POST", "/graphql", {"query": LOGIN, "variables": variables}
            )
            self.tokens[user] = answer["data"]["login"]["accessToken"]
        [membership, *_] = await Membership.filter(user_id=MEMBER)
        self.paths = {"user": MEMBER, "group": membership.group_id}
        for call in CALLS:
            if call.deep:
                model, order = call.deep
                middle = await model.all().count() // 2
                [row] = await order.sorted(model.filter(id=middle), backwards=False)
                self.deep[call.name] = cursor(order, order.position(row))

    async def measure(self, call: Call) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        await self.perform(call)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        self.rows.setdefault(call.name, []).append((1e3 * wall, 1e3 * cpu))

    async def perform(self, call: Call) -> None:
        token = self.tokens[call.user]
        if call.path:
            await self.request("GET", call.path.format(**self.paths), None, token)
            return
        variables = {"after": self.deep[call.name]} if call.deep else {}
        body = {"query": call.query, "variables": variables}
        answer = await self.request("POST", "/graphql", body, token)
        if "errors" in answer:
            raise click.ClickException(f"{call.name}: {answer['errors']}")

    async def request(self, method: str, path: str, body: Any, token: str = "") -> Any:
        received: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": orjson.dumps(body) if body else b""}

        async def send(message: Any) -> None:
            received.append(message)

        headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
        if token:
            headers.append((b"authorization", f"Bearer {token}".encode()))
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": headers,
            "client": ("192.0.2.1", 1),
            "server": ("localhost", 80),
        }
        await self.app(scope, receive, send)
        if received[0]["status"] != 200:
            raise click.ClickException(f"{path}: {received}")
        return orjson.loads(b"".join(message.get("body", b"") for message in received))

    def cost(self, call: Call) -> tuple[float, float]:
        wall, cpu = map(min, zip(*self.rows[call.name], strict=True))
        return wall, cpu


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Side]:
    settings = Settings(database_url=url, secret_key=(SecretStr("bench " * 8),))
    app = create_app(settings, clusters=Clusters())
    async with app.router.lifespan_context(app):
        side = Side(app)
        await side.prepare()
        yield side


async def measure(urls: tuple[str, str], calls: list[Call], rounds: int) -> tuple[Side, Side]:
    async with AsyncExitStack() as stack:
        small, large = [await stack.enter_async_context(opened(url)) for url in urls]
        with click.progressbar(calls, label="measuring") as bar:
            for call in bar:
                for side in (small, large):
                    for _ in range(WARM_UP):
                        await side.perform(call)
                for _ in range(rounds):
                    await small.measure(call)
                    await large.measure(call)
    return small, large


async def create_portals(server: str) -> tuple[str, str]:
    """The URLs of a small and a large one."""
    connection = await asyncpg.connect(f"{server}/postgres")
    for name, sizes in PORTALS.items():
        show_progress(f"a {name} portal with {sizes.users:,} users")
        await connection.execute(f"CREATE DATABASE {name}")
        await create(f"{server}/{name}", sizes)
    await connection.close()
    small, large = (f"{server}/{name}" for name in PORTALS)
    return small, large


def measure_scale(urls: tuple[str, str], calls: list[Call], rounds: int, limit: float) -> Table:
    columns = ("call", "small", "small, CPU", "large", "large, CPU", "ratio", "limit")
    table = Table("A large portal", NOTE.format(rounds=rounds), columns)
    small, large = asyncio.run(measure(urls, calls, rounds))
    for call in calls:
        (wall, cpu), (large_wall, large_cpu) = small.cost(call), large.cost(call)
        ratio = large_wall / wall
        figures = (f"{number:.2f}" for number in (wall, cpu, large_wall, large_cpu, ratio))
        table.add_limited(call.name, *figures, value=ratio, limit=limit)
    return table


@click.command(help=__doc__)
@click.argument("small", required=False)
@click.argument("large", required=False)
@click.option("--only", default="", help="Only calls whose name contains this text.")
@click.option("--rounds", default=50, show_default=True)
@click.option("--limit", default=1.5, show_default=True, help="Allowed ratio of the durations.")
def scale(
    small: str | None, large: str | None, only: str, rounds: int, limit: float
) -> Iterator[Table]:
    calls = [call for call in CALLS if only in call.name]
    with ExitStack() as stack:
        if small and large:
            urls = (small, large)
        else:
            server = stack.enter_context(temporary_postgres())
            urls = asyncio.run(create_portals(server))
        yield measure_scale(urls, calls, rounds, limit)
