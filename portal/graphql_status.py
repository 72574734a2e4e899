"""Which status a GraphQL answer has: https://graphql.github.io/graphql-over-http/draft/."""

from __future__ import annotations

from typing import Literal

from graphql import ExecutionResult

from portal.graphql_request import JSON
from resolvers.errors import ErrorCode
from schema.results import RequestError

Profile = Literal["audit", "2026"]

FAULTS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.TIMEOUT: 503,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.INTERNAL_SERVER_ERROR: 500,
}
UNFIT = {
    ErrorCode.BAD_USER_INPUT,
    ErrorCode.GRAPHQL_VALIDATION_FAILED,
    ErrorCode.LIMIT_EXCEEDED,
}


def status_of(result: ExecutionResult, media_type: str, profile: Profile) -> int:
    """200 for all that began.

    `audit` is what the audits of the draft ask for: 400 for what can't be run, or 200 where the
    client takes only the old media type. `2026` tells what can't be read, 400, from what does not
    fit, 422, and is the same for both types.
    """
    if not isinstance(result, RequestError) or (profile == "audit" and media_type == JSON):
        return 200
    code = ErrorCode(((result.errors or [])[0].extensions or {})["code"])
    unfit = 422 if profile == "2026" and code in UNFIT else 400
    return FAULTS.get(code, unfit)
