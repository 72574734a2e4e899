"""What the portal talks to, in one server: a cluster that issues tokens, and a provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

DISCOVERY = "/.well-known/openid-configuration"


@contextmanager
def outside(service_account_token: str) -> Iterator[str]:
    """Its address. The provider refuses every user, the cluster issues the given token."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service_account_token))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == DISCOVERY:
                self._answer(200, _discovery(f"http://{self.headers['Host']}"))
            else:
                self._answer(403, {"error": "invalid_token"})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path.endswith("/token") and "/serviceaccounts/" in self.path:
                end = "2099-01-01T00:00:00Z"
                self._answer(201, {"status": {"token": token, "expirationTimestamp": end}})
            else:
                self._answer(400, {"error": "invalid_grant"})

        def _answer(self, status: int, body: dict[str, object]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _discovery(address: str) -> dict[str, object]:
    return {
        "issuer": address,
        "authorization_endpoint": f"{address}/authorize",
        "token_endpoint": f"{address}/exchange",
        "userinfo_endpoint": f"{address}/userinfo",
        "jwks_uri": f"{address}/keys",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
