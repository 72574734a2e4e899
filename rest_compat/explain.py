"""The REST API as GraphQL: every route with its document, ready for the playground."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from graphql import DocumentNode, get_operation_ast, print_ast

from rest_compat.endpoints import uses_token
from rest_compat.operations import Route, StoredOperation, Variable

EXAMPLES = {
    "firstname": "Alice",
    "name": "Anders",
    "primary_email": "alice@example.org",
    "redirect_uri": "https://app.example.org/",
    "username": "alice",
}
EXAMPLES_BY_TYPE: dict[str, Any] = {"Boolean": True, "Float": 1.0, "Int": 1}


def explain(operations: Sequence[StoredOperation], *, version: str) -> list[dict[str, Any]]:
    """One entry for each route and operation, by path; a path's preferred operation comes first."""
    entries = [
        _entry(operation, route, version) for operation in operations for route in operation.routes
    ]
    return sorted(entries, key=lambda entry: (entry["path"], entry["method"]))


def _entry(operation: StoredOperation, route: Route, version: str) -> dict[str, Any]:
    placeholders = {name: f"{{{name}}}" for name in route.path.variables}
    return {
        "method": route.method,
        "path": _path(route, placeholders, version),
        "public": route.public,
        "summary": operation.summary,
        "operation": operation.name,
        **operation.retirement.texts,
        "document": operation.source,
        "types": _types(operation.document),
        "variables": {variable.name: _example(variable) for variable in operation.variables},
        "curl": _curl(operation, route, version),
    }


def _path(route: Route, values: dict[str, Any], version: str) -> str:
    return f"/api/{version}" + route.path.openapi.format(**route.path.constants, **values)


def _types(document: DocumentNode) -> dict[str, str]:
    operation = get_operation_ast(document)
    definitions = (operation and operation.variable_definitions) or ()
    return {each.variable.name.value: print_ast(each.type) for each in definitions}


def _example(variable: Variable) -> Any:
    by_type = EXAMPLES_BY_TYPE.get(variable.type, variable.name.upper())
    return EXAMPLES.get(variable.name, by_type)


def _curl(operation: StoredOperation, route: Route, version: str) -> str:
    """For a shell in which PORTAL is the portal's address and TOKEN an access token."""
    values = {
        variable.name: _example(variable)
        for variable in operation.variables
        if variable.name in route.path.variables
    }
    words = [f'"$PORTAL{_path(route, values, version)}"', *_options(operation, route)]
    return " ".join(["curl", *words])


def _options(operation: StoredOperation, route: Route) -> Iterator[str]:
    if route.method != "GET":
        yield f"-X {route.method}"
    if uses_token(operation, route):
        yield '-H "Authorization: Bearer $TOKEN"'
    if variables := operation.body_variables(route):
        body = {variable.name: _example(variable) for variable in variables}
        yield f"-H 'Content-Type: application/json' -d {shlex.quote(orjson.dumps(body).decode())}"
