"""What mutations share: inputs, payloads, and failures as data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Annotated, Any, Self, TypeAlias, TypeVar

import strawberry
from graphql import GraphQLResolveInfo, GraphQLSchema, get_named_type
from strawberry.types.maybe import Some

from resolvers.errors import Outdated, PortalError
from schema.context import Context
from schema.errors import UserError, user_errors
from schema.guard import DEFINITION

T = TypeVar("T")
Input: TypeAlias = Annotated[T, strawberry.argument(description="The input of the mutation.")]
ROW_AFTER_CHANGE = (
    " after the mutation. After CONFLICT, its current state. Null after any other failure."
)
ROW_AFTER_DELETION = " in its current state after CONFLICT, else null."


@strawberry.input
class RowInput:
    database_id: int = strawberry.field(description="The integer id of the object.")


@strawberry.input
class VersionedRowInput(RowInput):
    version: int = strawberry.field(
        description="The `version` that was read. The mutation fails with CONFLICT when it is"
        " outdated."
    )


def input_values(input: object) -> dict[str, Any]:
    """The values of the optional fields of an input that are present, null included."""
    values = ((field.name, getattr(input, field.name)) for field in fields(input))  # type: ignore[arg-type]
    return {name: value.value for name, value in values if isinstance(value, Some)}


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
