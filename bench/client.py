"""A client of little CPU time: prepared requests over connections that stay open."""

from __future__ import annotations

import json
import re
import socket
from types import TracebackType
from typing import Any, Self

import click

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
HEAD_END = b"\r\n\r\n"
CHUNK = 64 * 1024
TIMEOUT_SECONDS = 60


def get(path: str, token: str | None = None) -> bytes:
    """A request."""
    return _request(f"GET {path} HTTP/1.1", token, b"")


def post(path: str, body: object, token: str | None = None) -> bytes:
    """A request with a JSON body."""
    return _request(f"POST {path} HTTP/1.1", token, json.dumps(body).encode())


def _request(line: str, token: str | None, body: bytes) -> bytes:
    headers = [line, "Host: 127.0.0.1", "Accept: application/json"]
    if token:
        headers.append(f"Authorization: Bearer {token}")
    if body:
        headers += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*headers, "", ""]).encode() + body


class Client:
    """Sends a request over all its connections at once, and reads the responses.

    All methods raise ClickException for a status other than 200, and OSError.
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

    def send(self, request: bytes, count: int) -> int:
        """Send the request at least so often; returns how often."""
        turns = -(-count // len(self._sockets))
        for _ in range(turns):
            for each in self._sockets:
                each.sendall(request)
            for each in self._sockets:
                _read_body(each)
        return turns * len(self._sockets)

    def json(self, request: bytes) -> Any:
        self._sockets[0].sendall(request)
        return json.loads(_read_body(self._sockets[0]))


def _read_body(connection: socket.socket) -> bytes:
    head, _, body = _receive_until_head_end(connection).partition(HEAD_END)
    length = LENGTH.search(head)
    if not head.startswith(b"HTTP/1.1 200 ") or length is None:
        raise click.ClickException(f"an unexpected response: {head!r} {body!r}")
    while len(body) < int(length[1]):
        body += _receive(connection)
    return body


def _receive_until_head_end(connection: socket.socket) -> bytes:
    received = _receive(connection)
    while HEAD_END not in received:
        received += _receive(connection)
    return received


def _receive(connection: socket.socket) -> bytes:
    chunk = connection.recv(CHUNK)
    if not chunk:
        raise ConnectionError("the server has closed the connection")
    return chunk
