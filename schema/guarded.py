"""Which permissions an operation takes, read off the guards of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    separate_operations,
    visit,
)

from schema.enums import Permission
from schema.guard import Guard

DEFINITION = "strawberry-definition"


def permissions_of(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None
) -> frozenset[Permission]:
    """Of the named operation, or of the only one; of all where the name fits none."""
    operations = separate_operations(document)
    chosen = operations.get(operation_name or "", document)
    found: set[Permission] = set()
    type_info = TypeInfo(schema)

    class Reader(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            if not node.name.value.startswith("__"):
                found.update(_guards(type_info.get_parent_type(), type_info.get_field_def()))

    visit(chosen, TypeInfoVisitor(type_info, Reader()))
    return frozenset(found)


def _guards(parent: Any, field: GraphQLField | None) -> Iterator[Permission]:
    """The field's own permission, else that of its type."""
    own = list(_named(field))
    yield from own or _named(parent if isinstance(parent, GraphQLObjectType) else None)


def _named(definition: GraphQLField | GraphQLObjectType | None) -> Iterator[Permission]:
    ours = definition.extensions.get(DEFINITION) if definition else None
    for directive in getattr(ours, "directives", None) or ():
        if isinstance(directive, Guard):
            yield directive.permission
