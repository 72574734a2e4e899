"""What `explain` says, as JSON and, for browsers, as a page without scripts."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from html import escape
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rest_compat.responses import json_response

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
