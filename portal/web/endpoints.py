"""The small endpoints: health, readiness, the schema as text, and the kubeconfig."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from portal.container import Portal
from portal.web import responses
from resolvers.errors import ErrorCode
from schema.context import Context
from schema.executor import Executor
from schema.guard import Introspection

logger = logging.getLogger(__name__)
DATABASE_TIMEOUT = 2.0
KUBECONFIG = """
query Kubeconfig($expiresInSeconds: Int, $exec: Boolean! = false) {
  viewer { kubeconfig(expiresInSeconds: $expiresInSeconds, exec: $exec) }
}
"""
ATTACHMENT = {"Content-Disposition": 'attachment; filename="config"'}

Endpoint = Callable[[Request], Awaitable[Response]]
MakeContext = Callable[[Request], Awaitable[Context]]


async def healthz(_: Request) -> Response:
    """Whether the process runs."""
    return responses.json({"status": "ok"})


def readyz(portal: Portal) -> Endpoint:
    """Whether the database responds. Clusters are only reported: the portal works without them."""

    async def respond(_: Request) -> Response:
        is_ready = await _ping(portal)
        clusters = {
            cluster.name: {
                "reachable": cluster.facts.reachable,
                "observedAt": cluster.facts.observed_at,
            }
            for cluster in portal.services.clusters
        }
        status = "ok" if is_ready else "unavailable"
        body = {"status": status, "database": is_ready, "clusters": clusters}
        return responses.json(body, 200 if is_ready else 503)

    return respond


async def _ping(portal: Portal) -> bool:
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT):
            await portal.database.ping()
    except Exception:
        logger.exception("The database does not respond")
        return False
    return True


def sdl(executor: Executor, make_context: MakeContext) -> Endpoint:
    """The schema as text, for callers who may introspect it."""

    async def respond(request: Request) -> Response:
        if executor.introspection is Introspection.SIGNED_IN:
            problem = (await make_context(request)).unauthenticated
            if problem:
                return responses.unauthenticated(problem)
        return PlainTextResponse(executor.sdl)

    return respond


def _integer(text: str) -> int | None:
    return int(text) if re.fullmatch("-?[0-9]{1,9}", text) else None


PARAMETERS: dict[str, tuple[Callable[[str], int | None], str]] = {
    "expiresInSeconds": (_integer, "A valid integer is required."),
    "exec": ({"true": True, "false": False}.get, "Must be true or false."),
}


def kubeconfig(executor: Executor, make_context: MakeContext) -> Endpoint:
    """The kubeconfig as a file to download, with the arguments of the field as parameters."""

    async def respond(request: Request) -> Response:
        variables, errors = _read_variables(request.query_params)
        if errors:
            return responses.json(errors, 400)
        context = await make_context(request)
        if context.unauthenticated:
            return responses.unauthenticated(context.unauthenticated)
        result = await executor.execute(executor.prepare(KUBECONFIG), context, variables)
        for error in result.errors or ():
            extensions = error.extensions or {}
            if "fields" in extensions:
                errors = {each["field"]: [each["message"]] for each in extensions["fields"]}
                return responses.json(errors, 400)
            return responses.error(ErrorCode(extensions["code"]), error.message, extensions)
        content = (result.data or {})["viewer"]["kubeconfig"]
        return Response(content, headers=ATTACHMENT, media_type="application/yaml")

    return respond


def _read_variables(query: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The variables, and the errors by parameter."""
    variables, errors = {}, {}
    for name, (parse, message) in PARAMETERS.items():
        if text := query.get(name):
            variables[name] = parse(text)
            if variables[name] is None:
                errors[name] = [message]
    return variables, errors
