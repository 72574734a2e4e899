"""Error codes as HTTP: one status for each, and bodies as clients of the REST API know them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from starlette.responses import Response

from resolvers.errors import ErrorCode


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer that nobody may keep: most hold personal data, some a token."""
    return Response(
        orjson.dumps(body),
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        "application/json",
    )


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
    ErrorCode.GRAPHQL_PARSE_FAILED: 500,
    ErrorCode.GRAPHQL_VALIDATION_FAILED: 500,
    ErrorCode.LIMIT_EXCEEDED: 500,
    ErrorCode.PERSISTED_QUERY_NOT_FOUND: 500,
    ErrorCode.DOCUMENT_NOT_TRUSTED: 500,
    ErrorCode.INTERNAL_SERVER_ERROR: 500,
}
INPUT_CODES = {ErrorCode.BAD_USER_INPUT, ErrorCode.INVALID_CREDENTIALS}
CHALLENGE = 'Bearer realm="api"'


class Refusal(Exception):
    """An answer other than success."""

    def __init__(
        self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers or {}

    def response(self) -> Response:
        return json_response(self.body, self.status, self.headers)


def unauthenticated(message: str, problem: str | None) -> Refusal:
    body = {"detail": message} | ({"code": problem} if problem else {})
    return Refusal(401, body, {"WWW-Authenticate": CHALLENGE})


def invalid_input(method: str, complaints: Mapping[str, list[str]]) -> Refusal:
    return Refusal(422 if method == "PATCH" else 400, complaints)


def refusal(code: ErrorCode, message: str, extensions: Mapping[str, Any], method: str) -> Refusal:
    """What an error of the executed document means in HTTP."""
    if code is ErrorCode.UNAUTHENTICATED:
        return unauthenticated(message, extensions.get("problem"))
    if code in INPUT_CODES:
        return invalid_input(method, {"non_field_errors": [message]})
    headers = {"Retry-After": str(extensions["retryAfter"])} if "retryAfter" in extensions else {}
    body = {"detail": message}
    if "requestId" in extensions:
        body["request_id"] = extensions["requestId"]
    return Refusal(STATUS[code], body, headers)


def payload_refusal(
    errors: Iterable[Mapping[str, Any]], field_names: Mapping[str, str], method: str
) -> Refusal:
    """What the `errors` of a mutation's payload mean in HTTP."""
    complaints: dict[str, list[str]] = {}
    for error in errors:
        code = ErrorCode(error["code"])
        if code not in INPUT_CODES:
            return refusal(code, error["message"], _extensions(error), method)
        field = error["field"]
        name = field_names.get(field, field) if field else "non_field_errors"
        complaints.setdefault(name, []).append(error["message"])
    return invalid_input(method, complaints)


def _extensions(error: Mapping[str, Any]) -> dict[str, Any]:
    """What the error would say about itself outside of a payload."""
    retry_after = error.get("retryAfter")
    return {} if retry_after is None else {"retryAfter": retry_after}
