"""What goes into an endpoint and what comes out of it, as schemas of which most have names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from graphql import GraphQLEnumType, GraphQLList, GraphQLNamedType, GraphQLNonNull, GraphQLType

from rest_compat import api
from rest_compat.api import Endpoint, endpoints, uses_token
from rest_compat.operations import FORM_TYPES, HEADERS, Shape, StoredOperation, Variable

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


JSON = "application/json"
JWT = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
LINK = 'Leads to the GraphQL API, which is the successor (`rel="successor-version"`).'
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "Whether the answer has a body; without it, the portal's settings decide.",
    "schema": {"type": "string", "enum": ["return=minimal", "return=representation"]},
}


def describe(operations: Sequence[StoredOperation], *, version: str) -> dict[str, Any]:
    """An OpenAPI 3.1 document, ready to be served as JSON."""
    bodies = Bodies()
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints(operations):
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, bodies)
    return {
        "openapi": "3.1.0",
        "info": {"title": "KubePortal REST API", "version": version},
        "servers": [{"url": f"/api/{version}"}],
        "paths": paths,
        "components": {
            "schemas": {**bodies.schemas, **api.SCHEMAS},
            "responses": api.responses(),
            "securitySchemes": {"JWT": JWT},
        },
    }


def _operation(endpoint: Endpoint, bodies: Bodies) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": _summary(endpoint),
        "tags": endpoint.nouns,
        "security": _security(endpoint),
        "responses": _successes(endpoint, bodies) | api.references(endpoint),
    }
    if "Deprecation" in endpoint.retirement_headers:
        described["deprecated"] = True
    if parameters := list(_parameters(endpoint, bodies)):
        described["parameters"] = parameters
    if endpoint.inputs:
        schema = bodies.request(endpoint)
        content = {kind: {"schema": schema} for kind in (JSON, *FORM_TYPES)}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _summary(endpoint: Endpoint) -> str:
    if endpoint.choices:
        return f"Get a single value, named by {' and '.join(endpoint.choices)}."
    return endpoint.operations[0].summary


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    """An empty alternative means that the token may be left out."""
    if not endpoint.public:
        return [{"JWT": []}]
    optional = any(uses_token(operation, route) for operation, route in endpoint.routes)
    return [{"JWT": []}, {}] if optional else []


def _parameters(endpoint: Endpoint, bodies: Bodies) -> Iterator[dict[str, Any]]:
    for name, choices in endpoint.choices.items():
        meanings = "\n".join(f"- `{choice}`: {meaning}" for choice, meaning in choices.items())
        yield _path_parameter(name, meanings, bodies.choice(name, choices))
    for variable in endpoint.path_variables:
        schema = SCALARS.get(variable.type, {})
        yield _path_parameter(variable.name, variable.description or "", schema)
    if endpoint.answers_without_body:
        yield PREFER


def _path_parameter(name: str, description: str, schema: JsonSchema) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def _successes(endpoint: Endpoint, bodies: Bodies) -> dict[str, dict[str, Any]]:
    content = {JSON: {"schema": bodies.success(endpoint)}}
    headers = _headers(endpoint)
    found: dict[str, dict[str, Any]] = {
        "200": {"description": "Success.", "headers": headers, "content": content}
    }
    if endpoint.answers_without_body:
        found["204"] = {"description": "Success, without a body.", "headers": headers}
    return found


def _headers(endpoint: Endpoint) -> dict[str, Any]:
    announced = {name: HEADERS[name] for name in sorted(endpoint.retirement_headers)}
    texts = {**announced, "Link": LINK}
    return {
        name: {"description": text, "schema": {"type": "string"}} for name, text in texts.items()
    }
