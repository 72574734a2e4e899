"""`@guard` names the permission that a field takes, and is what enforces it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias

import strawberry
from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import Location

from resolvers.permissions import RULES, Role, require
from schema.context import Context
from schema.enums import Permission

Resolver: TypeAlias = Callable[..., Any]
DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF


class Introspection(Enum):
    """Who may read the schema."""

    EVERYONE = "everyone"
    SIGNED_IN = "signed-in"


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    description="The permission that a field requires. On a type, it applies to all fields of the"
    " type without a guard of their own. Connections, edges and payloads have none: they are"
    " readable with the field that returns them.",
)
class Guard:
    permission: Permission = strawberry.field(description="The required permission.")


def guard(permission: Permission) -> list[object]:
    """The `directives` of a type or a field."""
    return [Guard(permission=permission)]


def permission_of(parent: GraphQLNamedType | None, field: GraphQLField) -> Permission | None:
    """The field's own permission, else that of its type."""
    own = _named(field)
    return _named(parent) if own is None and isinstance(parent, GraphQLObjectType) else own


def enforce_guards(schema: GraphQLSchema) -> None:
    """Checks what a guard requires of the caller before the resolver of its field runs.

    The guard of a type is enforced at fields with a resolver if it requires an administrator. Other
    guards of types are about the row, which visibility queries have found for the caller.
    """
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                _enforce(kind, field)


def _enforce(parent: GraphQLObjectType, field: GraphQLField) -> None:
    own, permission = _named(field), permission_of(parent, field)
    if permission is None or RULES[permission].role is Role.EVERYONE:
        return
    if own is None and (RULES[permission].role is not Role.ADMINISTRATOR or _is_attribute(field)):
        return
    # A subscription's resolver for events only hands on what its `subscribe` has produced
    if field.subscribe:
        field.subscribe = _guarded(permission, field.subscribe)
    elif field.resolve:
        field.resolve = _guarded(permission, field.resolve)


def _guarded(permission: Permission, resolve: Resolver) -> Resolver:
    def check_and_resolve(source: Any, info: GraphQLResolveInfo[Context], **arguments: Any) -> Any:
        require(info.context.actor, permission)
        return resolve(source, info, **arguments)

    return check_and_resolve


def _named(definition: GraphQLField | GraphQLNamedType | None) -> Permission | None:
    ours = definition.extensions.get(DEFINITION) if definition else None
    directives = getattr(ours, "directives", None) or ()
    return next((each.permission for each in directives if isinstance(each, Guard)), None)


def _is_attribute(field: GraphQLField) -> bool:
    return field.extensions[DEFINITION].base_resolver is None
