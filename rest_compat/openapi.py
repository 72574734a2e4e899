"""The OpenAPI description of the REST API, generated from its documents and the schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rest_compat import refusals
from rest_compat.bodies import Bodies
from rest_compat.endpoints import Endpoint, endpoints, uses_token
from rest_compat.inputs import FORM_TYPES
from rest_compat.json_schema import SCALARS, JsonSchema
from rest_compat.operations import StoredOperation
from rest_compat.retirement import HEADERS

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
            "schemas": {**bodies.schemas, **refusals.SCHEMAS},
            "responses": refusals.responses(),
            "securitySchemes": {"JWT": JWT},
        },
    }


def _operation(endpoint: Endpoint, bodies: Bodies) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": _summary(endpoint),
        "tags": endpoint.nouns,
        "security": _security(endpoint),
        "responses": _successes(endpoint, bodies) | refusals.references(endpoint),
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
