from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from portal.portal import Portal
from rest_compat.responses import json_response

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
