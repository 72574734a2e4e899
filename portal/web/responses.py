"""JSON responses, and the one table from error codes to HTTP statuses.

The module is also the `Responses` that the REST API is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from resolvers.errors import ErrorCode, Unauthenticated

STATUS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.BAD_USER_INPUT: 400,
    ErrorCode.CONFLICT: 409,
    ErrorCode.INVALID_CREDENTIALS: 400,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.TIMEOUT: 503,
    ErrorCode.GRAPHQL_PARSE_FAILED: 400,
    ErrorCode.GRAPHQL_VALIDATION_FAILED: 400,
    ErrorCode.LIMIT_EXCEEDED: 400,
    ErrorCode.PERSISTED_QUERY_NOT_FOUND: 400,
    ErrorCode.DOCUMENT_NOT_TRUSTED: 400,
    ErrorCode.INTERNAL_SERVER_ERROR: 500,
}
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="api"'}


def json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")


def error(code: ErrorCode, message: str, extensions: Mapping[str, Any]) -> Response:
    """The response to an error with these `extensions`, in the form of the REST API."""
    body, headers = {"detail": message}, {}
    if code is ErrorCode.UNAUTHENTICATED:
        headers.update(CHALLENGE)
    if problem := extensions.get("problem"):
        body["code"] = problem
    if request_id := extensions.get("requestId"):
        body["request_id"] = request_id
    if (retry_after := extensions.get("retryAfter")) is not None:
        headers["Retry-After"] = str(retry_after)
    return json(body, STATUS[code], headers)


def unauthenticated(problem: Unauthenticated) -> Response:
    extensions = {"problem": problem.problem.value} if problem.problem else {}
    return error(problem.code, problem.message, extensions)


async def http_exception(_: Request, exception: Exception) -> Response:
    """The handler of Starlette's HTTPException."""
    if not isinstance(exception, HTTPException):
        raise exception
    # Starlette's router raises a 404 whose detail has no period
    detail = "Not found." if exception.detail == "Not Found" else exception.detail
    return json({"detail": detail}, exception.status_code, exception.headers)
