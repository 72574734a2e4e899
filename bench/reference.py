"""Handlers as one would write them by hand, for the same database and with the same drivers.

    python -m bench.reference PORT

The portal is compared with them: a verified token, one SQL statement for session and user, one more
for lists, and the JSON that the portal answers. The environment is that of the portal.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import aiosqlite
import asyncpg
import jwt
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth.tokens import signing_key
from portal.web.server import server_options
from portal.web.sse import CLOSING

CALLER = """
    SELECT u.id, u.username FROM sessions s JOIN users u ON u.id = s.user_id
     WHERE s.id = $1 AND s.expires_at > $2 AND u.is_active
"""
USER = """
    SELECT u.id, u.username, u.first_name, u.last_name, u.primary_email, u.alternative_emails,
           a.namespace, a.name AS account,
           u.is_superuser OR EXISTS (
               SELECT 1 FROM effective_memberships m JOIN "groups" g ON g.id = m.group_id
                WHERE m.user_id = u.id AND g.can_admin) AS is_admin
      FROM sessions s JOIN users u ON u.id = s.user_id
      LEFT JOIN service_accounts a ON a.id = u.service_account_id
     WHERE s.id = $1 AND s.expires_at > $2 AND u.is_active
"""
GROUPS = """
    SELECT g.name FROM "groups" g JOIN effective_memberships m ON m.group_id = g.id
     WHERE m.user_id = $1 ORDER BY g.id
"""
WEBAPPS = """
    SELECT DISTINCT w.id, w.link_name, w.link_url FROM webapps w
      JOIN grants x ON x.webapp_id = w.id
      JOIN effective_memberships m ON m.group_id = x.group_id
     WHERE w.link_show AND m.user_id = $1 ORDER BY w.id
"""
GROUP = """
    SELECT g.name FROM "groups" g JOIN effective_memberships m ON m.group_id = g.id
     WHERE m.user_id = $1 AND g.id = $2
"""
WEBAPP = """
    SELECT w.link_name, w.link_url FROM webapps w
      JOIN grants x ON x.webapp_id = w.id
      JOIN effective_memberships m ON m.group_id = x.group_id
     WHERE w.link_show AND m.user_id = $1 AND w.id = $2
"""
Row = Mapping[str, Any]


class Store(Protocol):
    def now(self) -> object:
        """The current time, as the database compares it."""

    async def fetch(self, statement: str, *values: object) -> Sequence[Row]: ...


class Sqlite:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    def now(self) -> object:
        return str(datetime.now(UTC))

    async def fetch(self, statement: str, *values: object) -> Sequence[Row]:
        # SQLite spells numbered parameters differently
        rows: Any = await self._connection.execute_fetchall(statement.replace("$", "?"), values)
        return list(rows)


class Postgres:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    def now(self) -> object:
        return datetime.now(UTC)

    async def fetch(self, statement: str, *values: object) -> Sequence[Row]:
        rows: Sequence[Row] = await self._pool.fetch(statement, *values)
        return rows


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    if url.startswith("sqlite://"):
        async with aiosqlite.connect(url.removeprefix("sqlite://")) as connection:
            connection.row_factory = aiosqlite.Row
            yield Sqlite(connection)
    else:
        async with asyncpg.create_pool(url) as pool:
            yield Postgres(pool)


def respond(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


class Handlers:
    store: Store

    def __init__(self, secret_key: str) -> None:
        self._key = signing_key(secret_key)

    async def _session_user(self, request: Request, statement: str) -> Row:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise HTTPException(401)
        try:
            claims = jwt.decode(
                token, self._key, algorithms=["HS256"], issuer="kubeportal", audience="kubeportal"
            )
        except jwt.PyJWTError:
            raise HTTPException(401) from None
        for row in await self.store.fetch(statement, claims["sid"], self.store.now()):
            return row
        raise HTTPException(401)

    async def _oneself(self, request: Request, statement: str) -> Row:
        user = await self._session_user(request, statement)
        if request.path_params["id"] != user["id"]:
            raise HTTPException(403)
        return user

    async def bootstrap(self, _: Request) -> Response:
        return respond({"csrf_token": "", "portal_version": "2.0.0", "default_api_version": "1"})

    async def user(self, request: Request) -> Response:
        user = await self._oneself(request, USER)
        primary = user["primary_email"]
        others = orjson.loads(user["alternative_emails"])
        account = user["account"] and f"{user['namespace']}:{user['account']}"
        return respond(
            {
                "firstname": user["first_name"],
                "name": user["last_name"],
                "username": user["username"],
                "primary_email": primary,
                "all_emails": [primary, *(each for each in others if each != primary)],
                "admin": bool(user["is_admin"]),
                "k8s_serviceaccount": account,
                "k8s_namespace": user["namespace"],
                "k8s_token": None,
            }
        )

    async def groups(self, request: Request) -> Response:
        user = await self._oneself(request, CALLER)
        rows = await self.store.fetch(GROUPS, user["id"])
        return respond([{"name": row["name"]} for row in rows])

    async def webapps(self, request: Request) -> Response:
        user = await self._oneself(request, CALLER)
        rows = await self.store.fetch(WEBAPPS, user["id"])
        return respond(
            [{"link_name": row["link_name"], "link_url": row["link_url"]} for row in rows]
        )

    async def group(self, request: Request) -> Response:
        user = await self._session_user(request, CALLER)
        for row in await self.store.fetch(GROUP, user["id"], request.path_params["id"]):
            return respond({"name": row["name"]})
        raise HTTPException(404)

    async def webapp(self, request: Request) -> Response:
        user = await self._session_user(request, CALLER)
        for row in await self.store.fetch(WEBAPP, user["id"], request.path_params["id"]):
            return respond({"link_name": row["link_name"], "link_url": row["link_url"]})
        raise HTTPException(404)

    async def version(self, request: Request) -> Response:
        await self._session_user(request, CALLER)
        return respond({"k8s_version": "v1.36.0"})


def create_app(database_url: str, secret_key: str) -> Starlette:
    handlers = Handlers(secret_key)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with opened(database_url) as handlers.store:
            yield {CLOSING: asyncio.Event()}

    return Starlette(
        routes=[
            Route("/bootstrap", handlers.bootstrap),
            Route("/users/{id:int}", handlers.user),
            Route("/users/{id:int}/groups", handlers.groups),
            Route("/users/{id:int}/webapps", handlers.webapps),
            Route("/groups/{id:int}", handlers.group),
            Route("/webapps/{id:int}", handlers.webapp),
            Route("/version", handlers.version),
        ],
        lifespan=lifespan,
    )


def main(port: int) -> None:
    url, key = os.environ["KUBEPORTAL_DATABASE_URL"], os.environ["KUBEPORTAL_SECRET_KEY"]
    uvicorn.run(create_app(url, key), host="127.0.0.1", port=port, **server_options())


if __name__ == "__main__":
    main(int(sys.argv[1]))
