"""What goes into an endpoint and what comes out of it, as schemas of which most have names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rest_compat.endpoints import Endpoint
from rest_compat.json_schema import JsonSchema, inner_schema, input_schema, value_schema
from rest_compat.operations import StoredOperation

NAMES = {
    "LoginPayload": "LoginSuccess",
    "Portal": "BootstrapSuccess",
    "slug": "StatisticType",
}


class Bodies:
    """Collects the named schemas.

    An object bears the name of its GraphQL type, constants in a path that of their parameter,
    unless NAMES has another one. Where two want the same name, the first one has it.
    """

    def __init__(self) -> None:
        self.schemas: dict[str, JsonSchema] = {}

    def choice(self, parameter: str, constants: Iterable[str]) -> JsonSchema:
        return self._reference(parameter, {"type": "string", "enum": list(constants)})

    def request(self, endpoint: Endpoint) -> JsonSchema:
        return _any_of(
            self._reference(f"{operation.name}Request", input_schema(operation.summary, variables))
            for operation, variables in endpoint.inputs
        )

    def success(self, endpoint: Endpoint) -> JsonSchema:
        if endpoint.choices:
            return _single_entry(endpoint)
        return _any_of(map(self._success, endpoint.operations))

    def _success(self, operation: StoredOperation) -> JsonSchema:
        """Never null: what is not there is an error."""
        if not operation.body_path:
            return {"type": "object"}
        shape = operation.body_path[-1]
        inner = inner_schema(shape)
        if inner.get("properties"):
            inner = self._reference(shape.named_type.name, inner)
        return value_schema(shape.type, inner)

    def _reference(self, name: str, schema: JsonSchema) -> JsonSchema:
        name = NAMES.get(name, name)
        if self.schemas.setdefault(name, schema) != schema:
            return schema
        return {"$ref": f"#/components/schemas/{name}"}


def _single_entry(endpoint: Endpoint) -> JsonSchema:
    properties: dict[str, JsonSchema] = {}
    for operation in endpoint.operations:
        for key, schema in _entries(operation).items():
            properties[key] = {**schema, "description": operation.summary}
    return {
        "type": "object",
        "properties": properties,
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }


def _entries(operation: StoredOperation) -> Mapping[str, JsonSchema]:
    properties: dict[str, JsonSchema] = inner_schema(operation.body_path[-1])["properties"]
    return properties


def _any_of(schemas: Iterable[JsonSchema]) -> JsonSchema:
    different: list[JsonSchema] = []
    for schema in schemas:
        if schema not in different:
            different.append(schema)
    return different[0] if len(different) == 1 else {"anyOf": different}
