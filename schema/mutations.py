"""What mutations share: inputs, payloads, and failures as data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Annotated, Any, Self, TypeAlias, TypeVar

import strawberry
from graphql import GraphQLResolveInfo, GraphQLSchema, get_named_type
from strawberry.types.maybe import Some

from models import Group, User, WebApp
from resolvers.changes import Create
from resolvers.errors import Outdated, PortalError
from resolvers.writes import change_row, commit, delete_row
from schema.context import Context
from schema.errors import UserError, user_errors
from schema.guard import DEFINITION
from schema.relay import global_id

T = TypeVar("T")
R = TypeVar("R", User, Group, WebApp)
Input: TypeAlias = Annotated[T, strawberry.argument(description="The input of the mutation.")]
ROW_AFTER_CHANGE = (
    " after the mutation. After CONFLICT, its current state. Null after any other failure."
)
ROW_AFTER_DELETION = " in its current state after CONFLICT, else null."


@strawberry.input
class VersionedRowInput:
    database_id: int = strawberry.field(description="The integer id of the object.")
    version: int = strawberry.field(
        description="The `version` that was read. The mutation fails with CONFLICT when it is"
        " outdated."
    )


def input_values(input: object) -> dict[str, Any]:
    """The values of the optional fields of an input that are present, null included."""
    values = ((field.name, getattr(input, field.name)) for field in fields(input))  # type: ignore[arg-type]
    return {name: value.value for name, value in values if isinstance(value, Some)}


async def create(context: Context, row: R) -> R:
    await commit(context.actor, [Create(row)], context.services.write_options())
    return row


async def update(context: Context, model: type[R], input: VersionedRowInput) -> R:
    options, values = context.services.write_options(), input_values(input)
    return await change_row(context.actor, model, input.database_id, input.version, values, options)


async def delete(context: Context, model: type[R], input: VersionedRowInput) -> strawberry.ID:
    options = context.services.write_options()
    await delete_row(context.actor, model, input.database_id, input.version, options)
    return global_id(model.__name__, input.database_id)


@strawberry.type
class Payload:
    errors: list[UserError] = strawberry.field(
        default_factory=list,
        description="Failures of the mutation; empty when it succeeded.",
    )

    @classmethod
    async def of(cls, row: Any, context: Context) -> Self:
        """With a row after its change; after CONFLICT, with its current state."""
        raise NotImplementedError


@strawberry.type
class DeletionPayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The global id of the deleted object; null after a failure."
    )


def return_errors_as_data(schema: GraphQLSchema) -> None:
    """Puts the errors of guards and resolvers into the payloads of mutations."""
    for field in schema.mutation_type.fields.values() if schema.mutation_type else ():
        payload = get_named_type(field.type).extensions[DEFINITION].origin
        if field.resolve:
            field.resolve = _with_errors(field.resolve, payload)


def _with_errors(
    resolve: Callable[..., Awaitable[Payload]], payload: type[Payload]
) -> Callable[..., Awaitable[Payload]]:
    async def resolve_or_fail(
        source: Any, info: GraphQLResolveInfo[Context], **arguments: Any
    ) -> Payload:
        try:
            return await resolve(source, info, **arguments)
        except Outdated as error:
            result = await payload.of(error.current, info.context)
            result.errors = user_errors(error)
            return result
        except PortalError as error:
            return payload(errors=user_errors(error))

    return resolve_or_fail
