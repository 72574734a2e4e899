"""How the result of a document becomes a body: the document's own tree, with its directives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
)

from rest_compat.directives import ClientDirectives

ERRORS_TYPE = "UserError"


@dataclass(frozen=True, slots=True)
class Shape:
    """A selected field: its key in the answer, its type, and what its directives say."""

    key: str
    type: GraphQLType
    description: str | None
    flatten: bool = False
    required: str | None = None
    cookie: str | None = None
    children: tuple[Shape, ...] = field(default=())

    @property
    def named_type(self) -> GraphQLNamedType:
        return get_named_type(self.type)

    @property
    def holds_errors(self) -> bool:
        return self.named_type.name == ERRORS_TYPE

    def render(self, value: Any) -> Any:
        """The part of the body that the value of this field becomes."""
        if isinstance(value, list):
            return [self.render(item) for item in value]
        if not self.children or value is None:
            return value
        return dict(self._entries(value))

    def _entries(self, value: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
        for child in self.children:
            if child.holds_errors:
                continue
            inner = None if value is None else value.get(child.key)
            if child.flatten:
                yield from child._entries(inner)
            else:
                yield child.key, child.render(inner)


class ShapeReader:
    """Reads the shapes of the fields of one document."""

    def __init__(
        self, document: DocumentNode, schema: GraphQLSchema, directives: ClientDirectives
    ) -> None:
        self._schema = schema
        self._directives = directives
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def read(self, parent: GraphQLNamedType, selections: SelectionSetNode) -> tuple[Shape, ...]:
        return tuple(self._fields(parent, selections))

    def _fields(self, parent: GraphQLNamedType, selections: SelectionSetNode) -> Iterator[Shape]:
        for node in selections.selections:
            if isinstance(node, FragmentSpreadNode):
                yield from self._fields(parent, self._fragments[node.name.value].selection_set)
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields(parent, node.selection_set)
            elif isinstance(node, FieldNode) and isinstance(parent, GraphQLObjectType):
                yield self._shape(parent, node)

    def _shape(self, parent: GraphQLObjectType, node: FieldNode) -> Shape:
        definition = parent.fields[node.name.value]
        inner, directives = node.selection_set, self._directives
        required, cookie = directives.first("required", node), directives.first("cookie", node)
        return Shape(
            key=(node.alias or node.name).value,
            type=definition.type,
            description=definition.description,
            flatten=directives.first("flatten", node) is not None,
            required=required["message"] if required else None,
            cookie=cookie["name"] if cookie else None,
            children=self.read(get_named_type(definition.type), inner) if inner else (),
        )
