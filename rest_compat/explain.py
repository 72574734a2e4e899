"""The REST API as GraphQL: every route with its document, ready for the playground."""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from html import escape
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rest_compat.api import Responses
from rest_compat.openapi import uses_token
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
    """One entry for each route and operation, sorted by path; order is kept within a path."""
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
        "deprecation": _text(operation.retirement.deprecation),
        "sunset": _text(operation.retirement.sunset),
        "document": operation.source,
        "types": {variable.name: variable.graphql_type for variable in operation.variables},
        "variables": {variable.name: _example(variable) for variable in operation.variables},
        "curl": _curl(operation, route, version),
    }


def _path(route: Route, values: dict[str, Any], version: str) -> str:
    return f"/api/{version}" + route.path.openapi.format(**route.path.constants, **values)


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _example(variable: Variable) -> Any:
    by_type = EXAMPLES_BY_TYPE.get(variable.type, variable.name.upper())
    return EXAMPLES.get(variable.name, by_type)


def _curl(operation: StoredOperation, route: Route, version: str) -> str:
    """A command for a shell with the variables PORTAL and TOKEN."""
    values = {variable.name: _example(variable) for variable in operation.path_variables(route)}
    address = f'"$PORTAL{_path(route, values, version)}"'
    return " ".join(["curl", address, *_options(operation, route)])


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


def page(entries: Sequence[dict[str, Any]], responses: Responses) -> Callable[[Request], Response]:
    """An HTML page for clients that accept HTML and not JSON, else JSON."""
    html = PAGE.format(style=STYLE, sections="".join(map(_section, entries)))
    headers = {"Vary": "Accept"}
    html_headers = {**headers, "Content-Security-Policy": page_policy(STYLE)}

    def respond(request: Request) -> Response:
        accept = request.headers.get("accept", "").lower()
        if "text/html" in accept and "application/json" not in accept:
            return HTMLResponse(html, headers=html_headers)
        return responses.json(list(entries), headers=headers)

    return respond


def _section(entry: dict[str, Any]) -> str:
    texts = {name: str(value) for name, value in entry.items()}
    texts["access"] = "No access token needed." if entry["public"] else "Requires an access token."
    texts["retirement"] = " ".join(
        f"{label} {entry[name]}." for name, label in RETIREMENT.items() if entry[name]
    )
    texts["variables"] = orjson.dumps(entry["variables"], option=orjson.OPT_INDENT_2).decode()
    return SECTION.format(**{name: escape(text) for name, text in texts.items()})


def page_policy(style: str) -> str:
    """The Content-Security-Policy of a page with this style element, without scripts and images."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
