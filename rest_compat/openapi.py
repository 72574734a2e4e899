"""The OpenAPI 3.1 description of the REST API, derived from the stored operations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLType

from resolvers.errors import CredentialsProblem
from rest_compat.api import FORM_TYPES
from rest_compat.operations import Route, SelectedField, StoredOperation, Variable

JsonSchema = dict[str, Any]

JSON = "application/json"
STRING = {"type": "string"}
SCALARS: dict[str, JsonSchema] = {
    "BigInt": {"type": "integer", "format": "int64"},
    "Boolean": {"type": "boolean"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Float": {"type": "number"},
    "ID": {"type": "string"},
    "Int": {"type": "integer"},
    "String": {"type": "string"},
}
# Names of schemas in the published API, where they are not those of the GraphQL types
SCHEMA_NAMES = {
    "LoginPayload": "LoginSuccess",
    "Portal": "BootstrapSuccess",
    "slug": "StatisticType",
}
ERROR_SCHEMAS: dict[str, JsonSchema] = {
    "Error": {
        "type": "object",
        "description": "An error.",
        "properties": {
            "detail": {**STRING, "description": "A message for people."},
            "code": {
                **STRING,
                "enum": [problem.value for problem in CredentialsProblem],
                "description": "The problem with the access token.",
            },
            "request_id": {**STRING, "description": "The id of the request in the portal's log."},
        },
        "required": ["detail"],
    },
    "InputErrors": {
        "type": "object",
        "description": "Errors by field; `non_field_errors` concern the whole input.",
        "additionalProperties": {"type": "array", "items": STRING},
        "minProperties": 1,
    },
}
ERRORS = {
    "400": ("BadInput", "The body cannot be read or is not valid."),
    "401": ("Unauthenticated", "No access token, or one that is not valid."),
    "403": ("Forbidden", "The user has no permission."),
    "404": ("NotFound", "No such object."),
    "422": ("UnprocessableInput", "The body is not valid, or changes nothing."),
    "429": ("RateLimited", "Too many attempts."),
    "503": ("Unavailable", "The cluster, the identity provider or the database is unavailable."),
    "default": ("Failure", "Another error."),
}
ERROR_BODIES = {"400": ("InputErrors", "Error"), "422": ("InputErrors",)}
ERROR_HEADERS = {
    "401": ("WWW-Authenticate", "A challenge for a bearer token."),
    "429": ("Retry-After", "Seconds to wait."),
}
RETIREMENT_HEADERS = {
    "Deprecation": "When the route was or will be deprecated (RFC 9745).",
    "Sunset": "When the route may be removed (RFC 8594).",
}
LINK = 'The GraphQL API, which is the successor (`rel="successor-version"`).'
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "Whether the response has a body. The default is a setting of the portal.",
    "schema": {"type": "string", "enum": ["return=minimal", "return=representation"]},
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path, served by one operation or by several.

    Several operations differ in a constant in the path, or in the variables in the body.
    """

    name: str
    method: str
    path: str
    routes: tuple[tuple[StoredOperation, Route], ...]

    @property
    def operations(self) -> list[StoredOperation]:
        return [operation for operation, _ in self.routes]

    @property
    def public(self) -> bool:
        return self.routes[0][1].public

    @property
    def path_variables(self) -> tuple[Variable, ...]:
        operation, route = self.routes[0]
        return operation.path_variables(route)

    @property
    def choices(self) -> dict[str, dict[str, str]]:
        """By path parameter: its constants and what they return."""
        choices: dict[str, dict[str, str]] = {}
        for operation, route in self.routes:
            for name, constant in route.path.constants.items():
                choices.setdefault(name, {})[constant] = operation.summary
        return choices

    @property
    def inputs(self) -> list[tuple[StoredOperation, Route]]:
        """The operations with variables in the body."""
        return [(each, route) for each, route in self.routes if each.body_variables(route)]

    @property
    def retirement_headers(self) -> set[str]:
        return {name for each in self.operations for name in each.retirement.headers}

    @property
    def has_optional_body(self) -> bool:
        return any(operation.has_optional_body for operation in self.operations)


def describe(operations: Sequence[StoredOperation], *, version: str) -> dict[str, Any]:
    """The OpenAPI document, ready to be served as JSON."""
    schemas = NamedSchemas()
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in _endpoints(operations):
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "KubePortal REST API", "version": version},
        "servers": [{"url": f"/api/{version}"}],
        "paths": paths,
        "components": {
            "schemas": {**schemas.by_name, **ERROR_SCHEMAS},
            "responses": {name: _error(status) for status, (name, _) in ERRORS.items()},
            "securitySchemes": {"JWT": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def uses_token(operation: StoredOperation, route: Route) -> bool:
    """A public mutation without variables can only be about the caller's own session."""
    return not route.public or (operation.kind == "mutation" and not operation.variables)


def _endpoints(operations: Sequence[StoredOperation]) -> Iterator[Endpoint]:
    grouped: dict[tuple[str, str], list[tuple[StoredOperation, Route]]] = {}
    for operation in operations:
        for route in operation.routes:
            grouped.setdefault((route.path.openapi, route.method), []).append((operation, route))
    names: set[str] = set()
    for (path, method), routes in grouped.items():
        name = routes[0][0].name if len(routes) == 1 else _camel_case(path)
        if name in names:
            name += method.title()
        names.add(name)
        yield Endpoint(name, method, path, tuple(routes))


def _camel_case(path: str) -> str:
    constant = re.sub(r"\{\w+\}", "", path)
    return "".join(word.title() for word in re.findall(r"[^\W_]+", constant))


class NamedSchemas:
    """The schemas under `components`.

    An object has the name of its GraphQL type, constants in a path that of their parameter. The
    first schema of a name gets it; another one is written where it is used.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, JsonSchema] = {}

    def choice(self, parameter: str, constants: Iterable[str]) -> JsonSchema:
        return self._reference(parameter, {"type": "string", "enum": list(constants)})

    def request(self, endpoint: Endpoint) -> JsonSchema:
        return _any_of(
            self._reference(f"{operation.name}Request", input_schema(operation, route))
            for operation, route in endpoint.inputs
        )

    def success(self, endpoint: Endpoint) -> JsonSchema:
        if endpoint.choices:
            return _single_entry(endpoint)
        return _any_of(map(self._body, endpoint.operations))

    def _body(self, operation: StoredOperation) -> JsonSchema:
        """Never null: a missing object is an error."""
        if not operation.body_path:
            return {"type": "object"}
        field = operation.body_path[-1]
        inner = inner_schema(field)
        if inner.get("properties"):
            inner = self._reference(field.named_type.name, inner)
        return value_schema(field.type, inner)

    def _reference(self, name: str, schema: JsonSchema) -> JsonSchema:
        name = SCHEMA_NAMES.get(name, name)
        if self.by_name.setdefault(name, schema) != schema:
            return schema
        return {"$ref": f"#/components/schemas/{name}"}


def _single_entry(endpoint: Endpoint) -> JsonSchema:
    properties: dict[str, JsonSchema] = {}
    for operation in endpoint.operations:
        for key, schema in inner_schema(operation.body_path[-1])["properties"].items():
            properties[key] = {**schema, "description": operation.summary}
    return {
        "type": "object",
        "properties": properties,
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }


def _any_of(schemas: Iterable[JsonSchema]) -> JsonSchema:
    different: list[JsonSchema] = []
    for schema in schemas:
        if schema not in different:
            different.append(schema)
    return different[0] if len(different) == 1 else {"anyOf": different}


def inner_schema(field: SelectedField) -> JsonSchema:
    """A value of the field's named type: an object where the field has a selection."""
    kind = field.named_type
    if field.children:
        properties = dict(_properties(field))
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        return _described(schema, kind.description)
    if isinstance(kind, GraphQLEnumType):
        return {"type": "string", "enum": list(kind.values)}
    return SCALARS.get(kind.name, {})


def value_schema(kind: GraphQLType, inner: JsonSchema) -> JsonSchema:
    """A non-null value of the type; `inner` is the schema of its named type."""
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if not isinstance(kind, GraphQLList):
        return inner
    items = value_schema(kind.of_type, inner)
    is_certain = isinstance(kind.of_type, GraphQLNonNull)
    return {"type": "array", "items": items if is_certain else _or_null(items)}


def input_schema(operation: StoredOperation, route: Route) -> JsonSchema:
    """The request body; if every variable is optional, one is required nevertheless."""
    variables = operation.body_variables(route)
    required = [variable.name for variable in variables if variable.required]
    return {
        "type": "object",
        "description": operation.summary,
        "properties": {variable.name: _variable(variable, route) for variable in variables},
        **({"required": required} if required else {"minProperties": 1}),
    }


def _variable(variable: Variable, route: Route) -> JsonSchema:
    schema = SCALARS.get(variable.type, {})
    schema = _or_null(schema) if variable.may_be_null(route) else schema
    return _described(schema, variable.description)


def _properties(
    field: SelectedField, reasons: tuple[str, ...] = ()
) -> Iterator[tuple[str, JsonSchema]]:
    """`reasons` are the descriptions of the nullable objects around the field.

    Where one of them is null, all keys of the flattened object are.
    """
    # A payload without errors has all its fields
    is_payload = any(child.holds_errors for child in field.children)
    for child in field.children:
        is_set = is_payload or isinstance(child.type, GraphQLNonNull)
        is_certain = bool(child.required) or (not reasons and is_set)
        texts = (*reasons, child.description or "")
        if child.holds_errors:
            continue
        if child.flatten:
            yield from _properties(child, () if is_certain else texts)
        else:
            value = value_schema(child.type, inner_schema(child))
            yield child.key, _described(value if is_certain else _or_null(value), " ".join(texts))


def _or_null(schema: JsonSchema) -> JsonSchema:
    if "type" not in schema:
        return schema
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **values}


def _described(schema: JsonSchema, description: str | None) -> JsonSchema:
    return {**schema, "description": description} if description else schema


def _operation(endpoint: Endpoint, schemas: NamedSchemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.operations[0].summary,
        "tags": list(dict.fromkeys(operation.noun for operation in endpoint.operations)),
        "security": _security(endpoint),
        "responses": _successes(endpoint, schemas) | _errors(endpoint),
    }
    if endpoint.choices:
        described["summary"] = f"Get a single value, named by {' and '.join(endpoint.choices)}."
    if "Deprecation" in endpoint.retirement_headers:
        described["deprecated"] = True
    if parameters := list(_parameters(endpoint, schemas)):
        described["parameters"] = parameters
    if endpoint.inputs:
        schema = schemas.request(endpoint)
        content = {kind: {"schema": schema} for kind in (JSON, *FORM_TYPES)}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    """An empty alternative means that the token is optional."""
    if not endpoint.public:
        return [{"JWT": []}]
    optional = any(uses_token(operation, route) for operation, route in endpoint.routes)
    return [{"JWT": []}, {}] if optional else []


def _parameters(endpoint: Endpoint, schemas: NamedSchemas) -> Iterator[dict[str, Any]]:
    for name, choices in endpoint.choices.items():
        meanings = "\n".join(f"- `{choice}`: {meaning}" for choice, meaning in choices.items())
        yield _path_parameter(name, meanings, schemas.choice(name, choices))
    for variable in endpoint.path_variables:
        schema = SCALARS.get(variable.type, {})
        yield _path_parameter(variable.name, variable.description or "", schema)
    if endpoint.has_optional_body:
        yield PREFER


def _path_parameter(name: str, description: str, schema: JsonSchema) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def _successes(endpoint: Endpoint, schemas: NamedSchemas) -> dict[str, dict[str, Any]]:
    content = {JSON: {"schema": schemas.success(endpoint)}}
    texts = {name: RETIREMENT_HEADERS[name] for name in sorted(endpoint.retirement_headers)}
    headers = dict(_header(name, text) for name, text in {**texts, "Link": LINK}.items())
    responses: dict[str, dict[str, Any]] = {
        "200": {"description": "Success.", "headers": headers, "content": content}
    }
    if endpoint.has_optional_body:
        responses["204"] = {"description": "Success, without a body.", "headers": headers}
    return responses


def _header(name: str, description: str) -> tuple[str, dict[str, Any]]:
    return name, {"description": description, "schema": STRING}


def _error(status: str) -> dict[str, Any]:
    schemas = [
        {"$ref": f"#/components/schemas/{name}"} for name in ERROR_BODIES.get(status, ("Error",))
    ]
    response = {
        "description": ERRORS[status][1],
        "content": {JSON: {"schema": _any_of(schemas)}},
    }
    if status in ERROR_HEADERS:
        response["headers"] = dict([_header(*ERROR_HEADERS[status])])
    return response


def _errors(endpoint: Endpoint) -> dict[str, dict[str, Any]]:
    return {
        status: {"$ref": f"#/components/responses/{ERRORS[status][0]}"}
        for status in sorted(set(_statuses(endpoint)))
    }


def _statuses(endpoint: Endpoint) -> Iterator[str]:
    yield "default"
    if not endpoint.public:
        yield "401"
    if endpoint.path_variables:
        yield from ("403", "404")
    if endpoint.choices:
        yield "404"
    if endpoint.inputs:
        yield "400"
    if endpoint.method == "PATCH":
        yield "422"
    if endpoint.public and endpoint.inputs:  # a sign-in
        yield from ("429", "503")
    if any(_has_required(field) for each in endpoint.operations for field in each.fields):
        yield "503"


def _has_required(field: SelectedField) -> bool:
    return bool(field.required) or any(map(_has_required, field.children))
