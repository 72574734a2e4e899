"""The REST API as GraphQL: every route with its document, ready for the playground."""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from html import escape
from typing import Any

import orjson
from graphql import DocumentNode, get_operation_ast, print_ast
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rest_compat.api import uses_token
from rest_compat.operations import Route, StoredOperation, Variable
from rest_compat.status import json_response

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


STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8886; margin-top: 2rem; }
h2 { font: 600 1.1rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: #8882; border-radius: 6px; padding: .75rem; white-space: pre-wrap; }
"""
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The REST API as GraphQL</title>
<style>{style}</style>
<h1>The REST API as GraphQL</h1>
<p>Each route runs the GraphQL document below it: paste the document and its variables into the
<a href="../../../graphql">playground</a>. For the <code>curl</code> lines, set <code>PORTAL</code>
to the address of this portal and <code>TOKEN</code> to an access token.</p>
{sections}
</html>
"""
SECTION = """<section>
<h2>{method} {path}</h2>
<p>{summary} {access} {retirement}</p>
<pre>{document}</pre>
<h3>Variables</h3>
<pre>{variables}</pre>
<h3>curl</h3>
<pre>{curl}</pre>
</section>
"""
RETIREMENT = {"deprecation": "Deprecated from", "sunset": "May be gone from"}


def page(entries: Sequence[dict[str, Any]]) -> Callable[[Request], Response]:
    """Answers with JSON, unless the client asks for a page and not for JSON."""
    html = PAGE.format(style=STYLE, sections="".join(map(_section, entries)))
    headers = {"Vary": "Accept"}
    html_headers = {**headers, "Content-Security-Policy": _policy()}

    def answer(request: Request) -> Response:
        accept = request.headers.get("accept", "").lower()
        if "text/html" in accept and "application/json" not in accept:
            return HTMLResponse(html, headers=html_headers)
        return json_response(list(entries), headers=headers)

    return answer


def _section(entry: dict[str, Any]) -> str:
    texts = {name: str(value) for name, value in entry.items()}
    texts["access"] = "Open to everyone." if entry["public"] else "For signed-in users."
    texts["retirement"] = " ".join(
        f"{words} {entry[name]}." for name, words in RETIREMENT.items() if entry[name]
    )
    texts["variables"] = orjson.dumps(entry["variables"], option=orjson.OPT_INDENT_2).decode()
    return SECTION.format(**{name: escape(text) for name, text in texts.items()})


def _policy() -> str:
    style = b64encode(sha256(STYLE.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{style}'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
