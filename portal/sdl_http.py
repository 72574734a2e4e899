from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rest_compat.status import unauthenticated
from schema.admission import Introspection
from schema.context import Context
from schema.executor import Executor


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
