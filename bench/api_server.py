"""A stub of the Kubernetes API server: the answers to what a portal reads, and a token for anyone.

It runs in a thread of the benchmark, so that a benchmark can change the facts of its cluster.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

VERSION = "v1.36.0"
IMAGES = [{"names": [f"registry.example.org/image-{n}:1.0"], "sizeBytes": n} for n in range(50)]
NODE = {"status": {"capacity": {"cpu": "16", "memory": "65536Ki"}, "images": IMAGES}}
TOKEN_LIFETIME = timedelta(hours=1)


class ApiServer(ThreadingHTTPServer):
    """`pod_count` is a fact that may change; `first_reads` is when each of its values was first
    read, by `time.perf_counter()`.
    """

    daemon_threads = True

    def __init__(self, *, nodes: int = 3, pods: int = 100) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pod_count = pods
        self._nodes = {"metadata": {}, "items": [NODE] * nodes}
        self.first_reads: dict[int, float] = {}

    def write_kubeconfig(self, file: Path) -> None:
        # JSON is YAML
        server = {"server": f"http://127.0.0.1:{self.server_port}"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "bench", "cluster": server}],
            "users": [{"name": "bench", "user": {"token": "bench"}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
            "current-context": "bench",
        }
        file.write_text(json.dumps(config), encoding="utf-8")

    def answer(self, path: str) -> dict[str, Any]:
        if path == "/version/":
            return {"gitVersion": VERSION}
        if path == "/api/v1/nodes":
            return self._nodes
        if path == "/api/v1/pods":
            self.first_reads.setdefault(self.pod_count, time.perf_counter())
            return {"metadata": {"remainingItemCount": self.pod_count - 1}, "items": [{}]}
        if path.endswith("/token"):
            expires_at = datetime.now(UTC) + TOKEN_LIFETIME
            return {"status": {"token": "token", "expirationTimestamp": expires_at.isoformat()}}
        return {"metadata": {}, "items": []}


class Handler(BaseHTTPRequestHandler):
    server: ApiServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps(self.server.answer(urlsplit(self.path).path)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextmanager
def running(server: ApiServer) -> Iterator[ApiServer]:
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
