"""The playground, which browsers get at /graphql: GraphiQL, built from `playground/`."""

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
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        # Monaco's style elements get the nonce; its style attributes cannot have one
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
    # The name of a file contains a hash of its content
    "Cache-Control": "public, max-age=31536000, immutable",
    # Web workers do not inherit the policy of the page
    "Content-Security-Policy": "default-src 'none'",
    "Vary": "Accept-Encoding",
}


class Playground:
    """The page. Its links are relative to /graphql, so it works below a path prefix.

    If it was not built, another page explains how to build it.
    """

    def __init__(self, folder: Path = BUILT) -> None:
        page = folder / "index.html"
        self.is_built = page.exists()
        self._assets = folder / "assets"
        self._text = (page if self.is_built else UNBUILT).read_text(encoding="utf-8")

    def page(self, _: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": CONTENT_SECURITY_POLICY.replace(NONCE, nonce),
            "Vary": "Accept",
        }
        return HTMLResponse(self._text.replace(NONCE, nonce), headers=headers)

    def routes(self) -> list[BaseRoute]:
        """The route of the scripts, styles and fonts."""
        return [Mount("/graphql/assets", Assets(directory=self._assets))] if self.is_built else []


class Assets(StaticFiles):
    """The built files, and their compressed copies for browsers that accept gzip."""

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
