"""What callers are told: results whose errors have a code and a text that is meant for them."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from dataclasses import fields
from typing import Any, TypeVar

import strawberry
from graphql import ExecutionResult, FormattedExecutionResult, GraphQLError, located_error
from strawberry.types.maybe import Some
from tortoise.models import Model

from models.database import is_busy
from resolvers.errors import (
    BadUserInput,
    PortalError,
    RateLimited,
    TooBusy,
    Unauthenticated,
    Unavailable,
)
from resolvers.writes import Outdated
from schema.context import Context
from schema.enums import ErrorCode


@strawberry.type(description="An expected failure of a mutation.")
class UserError:
    code: ErrorCode = strawberry.field(description="What kind of failure it is.")
    message: str = strawberry.field(description="What is wrong, for people to read.")
    field: str | None = strawberry.field(
        description="The input field that it is about, as in `username`, or `users.1` for the"
        " second item of a list; null when it is about the whole input."
    )
    retry_after: int | None = strawberry.field(
        default=None,
        description="After RATE_LIMITED, and where it is known after UNAVAILABLE, in how many"
        " seconds to try again; else null.",
    )


def user_errors(error: PortalError) -> list[UserError]:
    if isinstance(error, BadUserInput):
        return [
            UserError(code=error.code, message=complaint.message, field=complaint.field)
            for complaint in error.complaints
        ]
    retry_after = error.retry_after if isinstance(error, RateLimited | Unavailable) else None
    return [UserError(code=error.code, message=error.message, field=None, retry_after=retry_after)]


logger = logging.getLogger(__name__)
LONGEST = 500
CITED_OBJECT = re.compile(r"(, found| Found)?: [\[{].*", re.DOTALL)
INTERNAL = "Something went wrong on our side. The request id helps to find out what."


class RequestError(ExecutionResult):
    """The result of an operation that did not begin: errors, and no data at all."""

    __slots__ = ()

    @property
    def formatted(self) -> FormattedExecutionResult:
        formatted = super().formatted
        del formatted["data"]
        return formatted


def public_result(result: ExecutionResult, request_id: str) -> ExecutionResult:
    """A RequestError where all errors are about the request as a whole, not about fields."""
    errors = result.errors and [public_error(error, request_id) for error in result.errors]
    if errors and result.data is None and all(error.path is None for error in errors):
        return RequestError(errors=errors)
    return ExecutionResult(result.data, errors)


async def public_results(
    results: AsyncGenerator[ExecutionResult, None], request_id: str
) -> AsyncGenerator[ExecutionResult, None]:
    """A failure of the stream is its last result."""
    async with aclosing(results):
        try:
            async for result in results:
                yield public_result(result, request_id)
        except Exception as error:
            yield ExecutionResult(errors=[public_error(located_error(error), request_id)])


def public_error(error: GraphQLError, request_id: str) -> GraphQLError:
    """Logs what nobody foresaw and leaves only the request id of it."""
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
    """Without the types of Python, all of a long value, and objects, which may hold a password."""
    if "'Maybe[" in message:
        return "A value that may be left out, but not be null, is null."
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
            {"field": complaint.field, "message": complaint.message}
            for complaint in error.complaints
        ]
    return extensions


M = TypeVar("M", bound=Model)
DATABASE_ID = "The integer id."
VERSION = "The `version` as you read it: CONFLICT when it has changed since."
CURRENT = (
    " as it is now: after the change, or when CONFLICT says that it has changed since you read it;"
    " null after any other failure."
)
ERRORS = "Empty when it was done."


def given(input: object) -> dict[str, Any]:
    """The values of those optional fields of an input that are there, null included."""
    values = ((field.name, getattr(input, field.name)) for field in fields(input))  # type: ignore[arg-type]
    return {name: value.value for name, value in values if isinstance(value, Some)}


async def outcome(
    action: Awaitable[M | None], model: type[M], context: Context
) -> tuple[M | None, list[UserError]]:
    """The row as it is now, where the caller is to see it, and what went wrong."""
    try:
        row = await action
    except Outdated as error:
        current = error.current
        return current if isinstance(current, model) else None, user_errors(error)
    except PortalError as error:
        return None, user_errors(error)
    context.forget()
    return row, []


async def deletion(
    action: Awaitable[None], model: type[M], context: Context
) -> tuple[bool, M | None, list[UserError]]:
    """Whether it was deleted; if not, what `outcome` gives."""

    async def delete() -> M | None:
        await action
        return None

    row, errors = await outcome(delete(), model, context)
    return not errors, row, errors
