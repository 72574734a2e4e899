"""The fields of the schema, with their permissions and a call of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    FieldDefinitionNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    build_schema,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    parse,
    print_ast,
)

from portal.cli.contract import print_schema

ROOTS = ("Query", "Mutation", "Subscription")
SCALARS = {"Int": "1", "Boolean": "true"}
CARRIED = ("Connection", "Edge", "Payload", "PageInfo", "UserError")


@dataclass(frozen=True, slots=True)
class Field:
    """`permission` is the field's own one, else that of its type; None where there is neither."""

    type: str
    name: str
    permission: str | None
    is_object: bool

    @property
    def place(self) -> str:
        return f"{self.type}.{self.name}"


class Guards:
    """All fields of the object types, but for those that only carry what others guard."""

    def __init__(self) -> None:
        sdl = print_schema()
        self.schema: GraphQLSchema = build_schema(sdl)
        types = [
            node for node in parse(sdl).definitions if isinstance(node, ObjectTypeDefinitionNode)
        ]
        self.fields = [field for node in types for field in self._fields(node)]

    def of(self, type_name: str) -> list[Field]:
        return [field for field in self.fields if field.type == type_name]

    def call(self, field: Field, samples: dict[str, str]) -> str:
        """The field with a value for each argument that it requires."""
        definition = self.schema.get_type(field.type).fields[field.name]  # type: ignore[union-attr]
        arguments = ", ".join(
            f"{name}: {self._sample(name, argument.type, samples)}"
            for name, argument in definition.args.items()
            if is_non_null_type(argument.type)
        )
        selection = " { __typename }" if field.is_object else ""
        return f"{field.name}({arguments}){selection}" if arguments else field.name + selection

    def _fields(self, node: ObjectTypeDefinitionNode) -> Iterator[Field]:
        type_name = node.name.value
        if type_name.endswith(CARRIED):
            return
        of_type = None if type_name in ROOTS else _permission(node)
        for each in node.fields or ():
            kind = self.schema.get_type(type_name).fields[each.name.value].type  # type: ignore[union-attr]
            is_object = is_composite_type(get_named_type(kind))
            yield Field(type_name, each.name.value, _permission(each) or of_type, is_object)

    def _sample(self, name: str, kind: GraphQLInputType, samples: dict[str, str]) -> str:
        if name in samples:
            return samples[name]
        if is_list_type(getattr(kind, "of_type", kind)):
            return "[]"
        named = get_named_type(kind)
        if isinstance(named, GraphQLInputObjectType):
            given = list(named.fields.items())
            wanted = given[:1] if named.is_one_of else [g for g in given if _is_required(g[1].type)]
            inner = (f"{key}: {self._sample(key, f.type, samples)}" for key, f in wanted)
            return f"{{{', '.join(inner)}}}"
        if isinstance(named, GraphQLEnumType):
            return str(next(iter(named.values)))
        return SCALARS.get(named.name, '"sample"')


def _is_required(kind: GraphQLInputType) -> bool:
    return is_non_null_type(kind)


def _permission(node: ObjectTypeDefinitionNode | FieldDefinitionNode) -> str | None:
    guards = [each for each in node.directives or () if each.name.value == "guard"]
    return print_ast(guards[0].arguments[0].value) if guards else None  # type: ignore[index]
