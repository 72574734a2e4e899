"""What all mutations share: their payloads, and failures as data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Self

import strawberry
from graphql import GraphQLResolveInfo, GraphQLSchema, get_named_type

from resolvers.errors import PortalError
from resolvers.writes import Outdated
from schema.context import Context
from schema.errors import UserError, user_errors
from schema.guard import DEFINITION


@strawberry.type
class Payload:
    errors: list[UserError] = strawberry.field(
        default_factory=list,
        description="Failures of the mutation; empty when it succeeded.",
    )

    @classmethod
    async def of(cls, row: Any, context: Context) -> Self:
        """With the changed row; after CONFLICT, with its current state."""
        raise NotImplementedError


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
