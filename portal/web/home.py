"""The page at the root of the portal: where its APIs are, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from portal.web import responses
from portal.web.graphql import HTML, JSON, best_match
from portal.web.playground import Playground
from rest_compat.api import MOUNT
from rest_compat.explain import page_policy
from schema.root import REST_API_VERSION

REST = f".{MOUNT}/{REST_API_VERSION}"
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
dt { margin-top: 1rem; }
dd { margin: 0; }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{name}</h1>
<p>This is the API of the portal. This page does not sign you in, and does not know whether you are
signed in elsewhere.</p>
<h2>Sign in</h2>
<p>{sign_in}Programs send <code>username</code> and <code>password</code> to
<code>POST {rest}/login/</code>, or run the mutation <code>login</code> at <code>./graphql</code>.
They then send the access token of the response as <code>Authorization: Bearer TOKEN</code>.</p>
<h2>Links</h2>
<dl>
{links}
</dl>
<p>KubePortal {version}</p>
</main>
</body>
</html>
"""
LINK = '<dt><a href="{path}">{title}</a></dt>\n<dd>{description}</dd>'


class Link(NamedTuple):
    """`path` is relative to the root of the portal, so it works below a path prefix."""

    name: str
    path: str
    title: str
    description: str


PLAYGROUND = Link("playground", "./graphql", "Playground", "Sign in and run GraphQL operations.")
LINKS = (
    Link("schema", "./graphql/schema.graphql", "GraphQL schema", "The schema as text (SDL)."),
    Link("explain", f"{REST}/explain/", "REST API guide", "Each route with its GraphQL document."),
    Link("openapi", f"{REST}/openapi.json", "OpenAPI", "The description of the REST API."),
    Link("health", "./healthz", "Health", "Whether the process is alive."),
    Link("readiness", "./readyz", "Readiness", "Whether the database and the clusters respond."),
)


def home(name: str, version: str, playground: Playground | None) -> Callable[[Request], Response]:
    """An HTML page for clients that prefer HTML, else JSON with the same links."""
    has_playground = playground is not None and playground.is_built
    links = (PLAYGROUND, *LINKS) if has_playground else LINKS
    html = PAGE.format(
        name=escape(name),
        style=STYLE,
        version=escape(version),
        rest=REST,
        sign_in="People sign in at the playground. " if has_playground else "",
        links="\n".join(LINK.format(**link._asdict()) for link in links),
    )
    document = {
        "name": name,
        "version": version,
        "links": {"graphql": PLAYGROUND.path, **{link.name: link.path for link in links}},
    }
    headers = {"Vary": "Accept"}
    html_headers = {**headers, "Content-Security-Policy": page_policy(STYLE)}

    def respond(request: Request) -> Response:
        if best_match(request.headers.get("accept"), (JSON, HTML)) == HTML:
            return HTMLResponse(html, headers=html_headers)
        return responses.json(document, headers=headers)

    return respond
