"""What the mutations of administrators have in common."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import fields
from typing import Any, TypeVar

from strawberry.types.maybe import Some
from tortoise.models import Model

from resolvers.errors import PortalError
from resolvers.management.versions import Outdated
from schema.context import Context
from schema.errors import UserError, user_errors

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
