"""Errors as clients see them: in results, with a code, and in the payloads of mutations."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import strawberry
from graphql import ExecutionResult, FormattedExecutionResult, GraphQLError, located_error
from pydantic.alias_generators import to_camel

from models.database import is_busy
from resolvers.errors import (
    BadUserInput,
    Path,
    PortalError,
    RateLimited,
    TooBusy,
    Unauthenticated,
    Unavailable,
)
from schema.enums import ErrorCode


@strawberry.type(description="An expected failure of a mutation.")
class UserError:
    code: ErrorCode = strawberry.field(description="The kind of failure.")
    message: str = strawberry.field(description="An explanation for people.")
    field: str | None = strawberry.field(
        description="The input field with the wrong value, such as `username`, or `users.1` for the"
        " second item of a list; null when the failure concerns the input as a whole."
    )
    retry_after: int | None = strawberry.field(
        default=None,
        description="Number of seconds to wait before a retry. Present for RATE_LIMITED and, if it"
        " is known, for UNAVAILABLE; else null.",
    )


def field_name(path: Path) -> str | None:
    """As in `alternativeEmails.1`; None for the input as a whole."""
    return ".".join(to_camel(str(step)) for step in path) or None


def user_errors(error: PortalError) -> list[UserError]:
    if isinstance(error, BadUserInput):
        return [
            UserError(code=error.code, message=each.message, field=field_name(each.path))
            for each in error.errors
        ]
    retry_after = error.retry_after if isinstance(error, RateLimited | Unavailable) else None
    return [UserError(code=error.code, message=error.message, field=None, retry_after=retry_after)]


logger = logging.getLogger(__name__)
LONGEST = 500
# graphql-core quotes wrong values in its messages
CITED_OBJECT = re.compile(r"(, found| Found)?: [\[{].*", re.DOTALL)
INTERNAL = "An internal error occurred. The request id identifies it in the log."


class RequestError(ExecutionResult):
    """The result of an operation that did not start: it has no `data`, not even null."""

    __slots__ = ()

    @property
    def formatted(self) -> FormattedExecutionResult:
        formatted = super().formatted
        del formatted["data"]
        return formatted


def public_result(result: ExecutionResult, request_id: str) -> ExecutionResult:
    """A RequestError if no error belongs to a field."""
    errors = result.errors and [public_error(error, request_id) for error in result.errors]
    if errors and result.data is None and all(error.path is None for error in errors):
        return RequestError(errors=errors)
    return ExecutionResult(result.data, errors)


async def public_results(
    results: AsyncGenerator[ExecutionResult, None], request_id: str
) -> AsyncGenerator[ExecutionResult, None]:
    """An exception of the stream becomes its last result."""
    async with aclosing(results):
        try:
            async for result in results:
                yield public_result(result, request_id)
        except Exception as error:
            yield ExecutionResult(errors=[public_error(located_error(error), request_id)])


def public_error(error: GraphQLError, request_id: str) -> GraphQLError:
    """Logs an unexpected error, and shows only its request id."""
    cause = error.original_error
    if is_busy(cause):
        logger.warning("Request %s: the database is busy at %s", request_id, error.path)
        cause = TooBusy()
        error = located_error(cause, error.nodes, error.path)
    if isinstance(cause, PortalError):
        return coded(error, _extensions(cause))
    if cause is None or isinstance(cause, GraphQLError):
        return coded(error, {"code": ErrorCode.BAD_USER_INPUT.value, **(error.extensions or {})})
    logger.error("Request %s: unexpected error at %s", request_id, error.path, exc_info=cause)
    return GraphQLError(
        INTERNAL,
        error.nodes,
        path=error.path,
        extensions={
            "code": ErrorCode.INTERNAL_SERVER_ERROR.value,
            "requestId": request_id,
        },
    )


def coded(error: GraphQLError, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        _plain(error.message),
        error.nodes,
        error.source,
        error.positions,
        error.path,
        error.original_error,
        extensions,
    )


def _plain(message: str) -> str:
    """Removes Python's names of types, long values, and objects, which may hold a password."""
    if "'Maybe[" in message:
        return "A field that may be absent, but not null, is null."
    if "integer string conversion" in message:
        return "An integer has too many digits."
    plain = CITED_OBJECT.sub("", message)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}…"


def _extensions(error: PortalError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.code.value}
    if isinstance(error, Unauthenticated) and error.problem:
        extensions["problem"] = error.problem.value
    if isinstance(error, RateLimited | Unavailable) and error.retry_after is not None:
        extensions["retryAfter"] = error.retry_after
    if isinstance(error, BadUserInput):
        extensions["fields"] = [
            {"field": field_name(each.path), "message": each.message} for each in error.errors
        ]
    return extensions
