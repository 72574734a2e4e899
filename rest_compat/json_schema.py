"""Bodies of requests and answers as JSON Schema, from the types behind the documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import GraphQLEnumType, GraphQLList, GraphQLNamedType, GraphQLNonNull, GraphQLType

from rest_compat.operations import Variable
from rest_compat.shape import Shape

JsonSchema = dict[str, Any]

SCALARS: dict[str, JsonSchema] = {
    "BigInt": {"type": "integer", "format": "int64"},
    "Boolean": {"type": "boolean"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Float": {"type": "number"},
    "ID": {"type": "string"},
    "Int": {"type": "integer"},
    "String": {"type": "string"},
}


def inner_schema(shape: Shape) -> JsonSchema:
    """A value of the field's named type: an object where the field has a selection."""
    return _object(shape) if shape.children else _leaf(shape.named_type)


def input_schema(description: str, variables: Sequence[Variable]) -> JsonSchema:
    """The object that fills the variables; where it may leave out each, it still says something."""
    required = [variable.name for variable in variables if variable.required]
    return {
        "type": "object",
        "description": description,
        "properties": {variable.name: _variable(variable) for variable in variables},
        **({"required": required} if required else {"minProperties": 1}),
    }


def value_schema(kind: GraphQLType, inner: JsonSchema) -> JsonSchema:
    """A value of the type that is not null; `inner` is the schema of its named type."""
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if not isinstance(kind, GraphQLList):
        return inner
    items = value_schema(kind.of_type, inner)
    certain = isinstance(kind.of_type, GraphQLNonNull)
    return {"type": "array", "items": items if certain else _or_null(items)}


def _variable(variable: Variable) -> JsonSchema:
    schema = SCALARS.get(variable.type, {})
    return _described(schema if variable.required else _or_null(schema), variable.description)


def _leaf(kind: GraphQLNamedType) -> JsonSchema:
    if isinstance(kind, GraphQLEnumType):
        return {"type": "string", "enum": list(kind.values)}
    return SCALARS.get(kind.name, {})


def _object(shape: Shape) -> JsonSchema:
    properties = dict(_properties(shape))
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return _described(schema, shape.named_type.description)


def _properties(shape: Shape, reasons: tuple[str, ...] = ()) -> Iterator[tuple[str, JsonSchema]]:
    """`reasons` say why the object itself may be missing: then all its keys are null."""
    for child in shape.children:
        certain = bool(child.required) or (not reasons and _is_there(child, shape))
        texts = (*reasons, child.description or "")
        if child.holds_errors:
            continue
        if child.flatten:
            yield from _properties(child, () if certain else texts)
        else:
            value = value_schema(child.type, inner_schema(child))
            yield child.key, _described(value if certain else _or_null(value), " ".join(texts))


def _is_there(child: Shape, parent: Shape) -> bool:
    """A payload without errors has all its fields."""
    succeeded = any(other.holds_errors for other in parent.children)
    return succeeded or isinstance(child.type, GraphQLNonNull)


def _or_null(schema: JsonSchema) -> JsonSchema:
    if "type" not in schema:
        return schema
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **values}


def _described(schema: JsonSchema, description: str | None) -> JsonSchema:
    return {**schema, "description": description} if description else schema
