"""Where the schema that Strawberry makes is not what was declared."""

from __future__ import annotations

from graphql import GraphQLSchema, Undefined


def correct(schema: GraphQLSchema) -> None:
    _drop_null_defaults(schema)
    _describe_directives(schema)


def _drop_null_defaults(schema: GraphQLSchema) -> None:
    """The `None` of a signature is for the resolver; to clients the argument is optional."""
    for kind in schema.type_map.values():
        for field in getattr(kind, "fields", {}).values():
            for value in (field, *getattr(field, "args", {}).values()):
                if getattr(value, "default_value", Undefined) is None:
                    value.default_value = Undefined


def _describe_directives(schema: GraphQLSchema) -> None:
    """Strawberry leaves out what the fields of a directive say about themselves."""
    for directive in schema.directives:
        definition = directive.extensions.get("strawberry-definition")
        if definition is not None:
            for argument, field in zip(directive.args.values(), definition.fields, strict=True):
                argument.description = field.description
