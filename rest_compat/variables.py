"""What the schema says about the variables of an operation."""

from __future__ import annotations

from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLInputObjectType,
    GraphQLSchema,
    ObjectFieldNode,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    VariableNode,
    Visitor,
    get_named_type,
    visit,
)


def descriptions(document: DocumentNode, schema: GraphQLSchema) -> dict[str, str | None]:
    """By the name of a variable: the description of the argument or input field that it fills."""
    info = TypeInfo(schema)
    found: dict[str, str | None] = {}

    def note(value: ValueNode, description: str | None) -> None:
        if isinstance(value, VariableNode):
            found[value.name.value] = description

    class Reader(Visitor):
        def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
            argument = info.get_argument()
            note(node.value, argument.description if argument else None)

        def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
            parent = get_named_type(info.get_parent_input_type())
            if isinstance(parent, GraphQLInputObjectType):
                note(node.value, parent.fields[node.name.value].description)

    visit(document, TypeInfoVisitor(info, Reader()))
    return found
