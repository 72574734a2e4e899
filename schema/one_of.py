from __future__ import annotations

from graphql import GraphQLInputObjectType, GraphQLSchema


def mark_one_of(schema: GraphQLSchema) -> None:
    """Tells GraphQL itself which inputs are `@oneOf`: introspection says so, and validation asks.

    Strawberry keeps it to itself, and its own rule fails for variables that nobody has defined.
    """
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            definition = kind.extensions.get("strawberry-definition")
            kind.is_one_of = bool(definition and definition.is_one_of)
