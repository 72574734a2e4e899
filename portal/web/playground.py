"""The page that browsers get at /graphql: GraphiQL, built from the folder `playground`."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
BUILT = STATIC / "playground"
UNBUILT = STATIC / "unbuilt.html"
NONCE = "NONCE"
DOCUMENTS = {
    "playground-viewer": """query Viewer {
  portal { name }
  viewer { databaseId username firstName isAdmin }
}""",
    "playground-sign-in": """mutation SignIn($input: LoginInput!) {
  login(input: $input) {
    accessToken
    user { databaseId username firstName isAdmin }
    errors { message }
  }
}""",
    "playground-sign-out": "mutation SignOut { logout { errors { message } } }",
}
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        # Of what Monaco makes by itself, elements get the nonce; attributes can have none
        f"style-src 'self' 'nonce-{NONCE}'",
        "style-src-attr 'unsafe-inline'",
        "connect-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
ASSET_HEADERS = {
    # The name of a file changes with what is in it
    "Cache-Control": "public, max-age=31536000, immutable",
    # Workers have a policy of their own
    "Content-Security-Policy": "default-src 'none'",
    "Vary": "Accept-Encoding",
}


class Playground:
    """The page; its links are relative to /graphql, so that a path prefix does no harm.

    Where nothing is built, it is one that says how to build it.
    """

    def __init__(self, folder: Path = BUILT) -> None:
        page = folder / "index.html"
        self._is_built = page.exists()
        self._assets = folder / "assets"
        self._text = (page if self._is_built else UNBUILT).read_text(encoding="utf-8")

    def page(self, _: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": CONTENT_SECURITY_POLICY.replace(NONCE, nonce),
            "Vary": "Accept",
        }
        return HTMLResponse(self._text.replace(NONCE, nonce), headers=headers)

    def routes(self) -> list[BaseRoute]:
        """The routes of the files that the page loads."""
        return [Mount("/graphql/assets", Assets(directory=self._assets))] if self._is_built else []


class Assets(StaticFiles):
    """The built files, compressed for browsers that take gzip."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        compressed = Path(f"{full_path}.gz")
        takes_gzip = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if takes_gzip and compressed.exists():
            response = super().file_response(compressed, compressed.stat(), scope, status_code)
            response.headers["Content-Encoding"] = "gzip"
        else:
            response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(ASSET_HEADERS)
        return response
