"""A client of little CPU time: prepared requests over connections that stay open."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import click

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
CHUNK = 64 * 1024
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Request:
    """`body` is sent as JSON."""

    method: str
    path: str
    token: str | None = None
    body: object = None
    accept: str = "application/json"

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Host": "127.0.0.1", "Accept": self.accept}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.content:
            headers |= {
                "Content-Type": "application/json",
                "Content-Length": str(len(self.content)),
            }
        return headers

    @property
    def content(self) -> str:
        """In ASCII."""
        return json.dumps(self.body) if self.body is not None else ""

    def encode(self) -> bytes:
        lines = [f"{name}: {value}" for name, value in self.headers.items()]
        head = [f"{self.method} {self.path} HTTP/1.1", *lines, "", ""]
        return ("\r\n".join(head) + self.content).encode()


class Client:
    """Sends one request over all its connections at once, then reads the responses.

    Methods raise ClickException for a status other than 200, and OSError.
    """

    def __init__(self, port: int, *, connections: int = 1) -> None:
        self._sockets = [
            socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
            for _ in range(connections)
        ]
        for each in self._sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for each in self._sockets:
            each.close()

    def send(self, requests: Sequence[bytes], count: int) -> int:
        """Send the requests in turns, at least `count` together; returns how many."""
        turns = -(-count // len(self._sockets))
        for turn in range(turns):
            request = requests[turn % len(requests)]
            for each in self._sockets:
                each.sendall(request)
            for each in self._sockets:
                _read_body(each)
        return turns * len(self._sockets)

    def json(self, request: Request) -> Any:
        self._sockets[0].sendall(request.encode())
        return json.loads(_read_body(self._sockets[0]))


def _read_body(connection: socket.socket) -> bytes:
    received = _receive(connection)
    while HEAD_END not in received:
        received += _receive(connection)
    head, _, body = received.partition(HEAD_END)
    length = LENGTH.search(head)
    if not head.startswith(b"HTTP/1.1 200 ") or length is None:
        raise click.ClickException(f"an unexpected response: {head!r} {body!r}")
    while len(body) < int(length[1]):
        body += _receive(connection)
    return body


def _receive(connection: socket.socket) -> bytes:
    chunk = connection.recv(CHUNK)
    if not chunk:
        raise ConnectionError("the server has closed the connection")
    return chunk
