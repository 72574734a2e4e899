"""The kubeconfig as a file to download: a fixed operation over the schema, as REST is."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from graphql import DocumentNode, GraphQLError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from portal.container import Portal
from resolvers.errors import ErrorCode
from rest_compat.status import Refusal, invalid_input, json_response, refusal, unauthenticated
from schema.context import Context
from schema.executor import Executor
from schema.guard import Introspection

logger = logging.getLogger(__name__)
PATIENCE_SECONDS = 2.0


async def healthz(_: Request) -> Response:
    """The process lives."""
    return json_response({"status": "ok"})


def readyz(portal: Portal) -> Callable[[Request], Awaitable[Response]]:
    """The database answers; the clusters are reported, as the portal serves without them."""

    async def answer(_: Request) -> Response:
        ready = await _database_answers(portal)
        clusters = {
            cluster.name: {
                "reachable": cluster.facts.reachable,
                "observedAt": cluster.facts.observed_at,
            }
            for cluster in portal.services.clusters
        }
        body = {"status": "ok" if ready else "unavailable", "database": ready, "clusters": clusters}
        return json_response(body, 200 if ready else 503)

    return answer


async def _database_answers(portal: Portal) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await portal.database.ping()
    except Exception:
        logger.exception("The database does not answer")
        return False
    return True


def sdl(
    executor: Executor, make_context: Callable[[Request], Awaitable[Context]]
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of the schema as text, for those who may read the schema."""

    async def answer(request: Request) -> Response:
        if executor.introspection is Introspection.SIGNED_IN:
            problem = (await make_context(request)).unauthenticated
            if problem:
                code = problem.problem and problem.problem.value
                return unauthenticated(problem.message, code).response()
        return PlainTextResponse(executor.sdl)

    return answer


DOCUMENT = """
query Kubeconfig($expiresInSeconds: Int, $exec: Boolean! = false) {
  viewer { kubeconfig(expiresInSeconds: $expiresInSeconds, exec: $exec) }
}
"""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Disposition": 'attachment; filename="config"',
}


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch("-?[0-9]{1,9}", text) else None


PARAMETERS: dict[str, tuple[Callable[[str], int | None], str]] = {
    "expiresInSeconds": (_number, "A valid integer is required."),
    "exec": ({"true": True, "false": False}.get, "Must be true or false."),
}


def kubeconfig(
    executor: Executor, make_context: Callable[[Request], Awaitable[Context]]
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint; `exec` and `expiresInSeconds` come from the query string."""
    document = executor.prepare(DOCUMENT)

    async def answer(request: Request) -> Response:
        try:
            variables = _variables(request.query_params)
            content = await _content(executor, document, await make_context(request), variables)
        except Refusal as refused:
            return refused.response()
        return Response(content, headers=HEADERS, media_type="application/yaml")

    return answer


async def _content(
    executor: Executor, document: DocumentNode, context: Context, variables: Mapping[str, Any]
) -> str:
    """Raises Refusal."""
    problem = context.unauthenticated
    if problem:
        raise unauthenticated(problem.message, problem.problem and problem.problem.value)
    result = await executor.execute(document, context, variables)
    for error in result.errors or ():
        raise _refusal(error)
    content: str = (result.data or {})["viewer"]["kubeconfig"]
    return content


def _variables(query: Mapping[str, str]) -> dict[str, Any]:
    """Raises Refusal for a text that is no value."""
    variables: dict[str, Any] = {}
    for name, (parse, complaint) in PARAMETERS.items():
        if text := query.get(name):
            variables[name] = parse(text)
            if variables[name] is None:
                raise invalid_input("GET", {name: [complaint]})
    return variables


def _refusal(error: GraphQLError) -> Refusal:
    extensions = error.extensions or {}
    if "fields" in extensions:
        complaints = {each["field"]: [each["message"]] for each in extensions["fields"]}
        return invalid_input("GET", complaints)
    return refusal(ErrorCode(extensions["code"]), error.message, extensions, "GET")
