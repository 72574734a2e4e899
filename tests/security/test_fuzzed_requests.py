"""Credentials, headers, addresses and bodies that no client would send."""

from __future__ import annotations

import base64
import socket
from urllib.parse import quote, quote_from_bytes, urlsplit

import pytest
from hypothesis import strategies

from auth.tokens import PREFIX
from tests.security.probing import Probe, try_all
from tests.security.values import JSON, LINES, encoded

pytestmark = pytest.mark.sockets

TIMES = 8
PATHS = ("/graphql", "/api/v1.4.0/users/1/", "/api/v1.4.0/login/", "/kubeconfig", "/api/", "/nope")
METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
HEADERS = (
    *("Accept", "Content-Type", "Content-Encoding", "Prefer", "Origin", "User-Agent", "Cookie"),
    *("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Host", "Range", "If-Match", "Upgrade"),
    *("Access-Control-Request-Method", "Access-Control-Request-Headers", "X-CSRFToken"),
)
TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
KUBECONFIG = ("exec", "expiresInSeconds")
STARTS = (b"", b"GET ", b"GET / HTTP/1.1\r\n", b"POST /graphql HTTP/1.1\r\n")


def url_safe(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


# Three parts as of a JWT, of which the first two may hold any JSON
SEGMENTS = JSON.map(encoded).map(url_safe) | strategies.binary().map(url_safe)
CLAIMS = strategies.dictionaries(
    strategies.sampled_from(("iss", "aud", "sub", "sid", "iat", "nbf", "exp")), JSON
)
HEADER = strategies.fixed_dictionaries(
    {"alg": strategies.sampled_from(["none", "HS256", "RS256", ""]) | JSON, "typ": JSON},
    optional={"kid": JSON, "jwk": JSON, "jku": JSON, "crit": JSON, "b64": JSON},
)
TOKENS = (
    LINES
    | strategies.tuples(SEGMENTS, SEGMENTS, SEGMENTS).map(".".join).map(str.encode)
    | strategies.tuples(
        HEADER.map(encoded).map(url_safe), CLAIMS.map(encoded).map(url_safe), SEGMENTS
    )
    .map(".".join)
    .map(str.encode)
    | strategies.binary().map(url_safe).map(f"{PREFIX}{{}}".format).map(str.encode)
)
SCHEMES = strategies.sampled_from([b"Bearer ", b"bearer  ", b"Basic ", b"Token ", b"Bearer", b""])


@pytest.mark.parametrize("path", ["/graphql", "/api/v1.4.0/users/1/", "/kubeconfig"])
async def test_sr10_invalid_credentials_open_nothing(anonymous_probe: Probe, path: str) -> None:
    def present(parts: tuple[bytes, bytes]) -> None:
        headers = {b"Authorization": b"".join(parts).strip()}
        question = {"json": {"query": "{ viewer { username } }"}} if path == "/graphql" else {}
        method = "POST" if question else "GET"
        answer = anonymous_probe.send(method, path, headers=headers, **question)
        if path == "/graphql":
            assert answer.json()["data"] == {"viewer": None}
        else:
            assert answer.status_code == 401

    await try_all(strategies.tuples(SCHEMES, TOKENS), present, times=TIMES)


async def test_sr35_headers_never_fail(probe: Probe) -> None:
    headers = strategies.dictionaries(
        strategies.sampled_from(HEADERS).map(str.encode), LINES, min_size=1, max_size=5
    )
    requests = strategies.tuples(
        strategies.sampled_from(METHODS), strategies.sampled_from(PATHS), headers
    )

    def send(request: tuple[str, str, dict[bytes, bytes]]) -> None:
        method, path, given = request
        probe.send(method, path, headers=given)

    await try_all(requests, send, times=TIMES)


async def test_sr35_paths_never_fail(probe: Probe) -> None:
    segments = (
        strategies.sampled_from(["users", "groups", "webapps", "cluster", "webapps", "..", ".", ""])
        | strategies.text(max_size=20).map(lambda text: quote(text.encode(errors="surrogatepass")))
        | strategies.binary(max_size=8).map(quote_from_bytes)
        | strategies.integers().map(str)
    )
    paths = strategies.lists(segments, max_size=4).map("/".join)
    starts = strategies.sampled_from(["/api/v1.4.0/", "/api/", "/graphql/", "/", "//", "/%2e%2e/"])

    def send(parts: tuple[str, str, str]) -> None:
        method, start, path = parts
        probe.send(method, f"{start}{path}")

    methods = strategies.sampled_from(["GET", "POST", "PATCH"])
    await try_all(strategies.tuples(methods, starts, paths), send, times=TIMES)


@pytest.mark.parametrize("path", ["/graphql", "/kubeconfig", "/api/v1.4.0/login/"])
async def test_sr35_query_strings_never_fail(probe: Probe, path: str) -> None:
    names = strategies.sampled_from(
        ("query", "variables", "extensions", "operationName", "documentId", *KUBECONFIG)
    )
    values = strategies.text() | JSON.map(encoded).map(bytes.decode) | strategies.just("{ a }")
    pairs = strategies.lists(strategies.tuples(names | strategies.text(), values), max_size=4)

    def send(query: list[tuple[str, str]]) -> None:
        texts = [
            "=".join(quote(text.encode(errors="surrogatepass")) for text in pair) for pair in query
        ]
        probe.send("GET", f"{path}?{'&'.join(texts)}")

    await try_all(pairs, send, times=TIMES)


@pytest.mark.parametrize("path", ["/graphql", "/api/v1.4.0/login/", "/api/v1.4.0/users/1/"])
async def test_sr35_bodies_never_fail(probe: Probe, path: str) -> None:
    contents = (
        strategies.binary()
        | JSON.map(encoded)
        | strategies.text().map(lambda text: text.encode(errors="surrogatepass"))
    )
    types = strategies.sampled_from(TYPES).map(str.encode) | LINES

    def send(parts: tuple[bytes, bytes]) -> None:
        content_type, content = parts
        method = "PATCH" if "users" in path else "POST"
        probe.send(method, path, content=content, headers={b"Content-Type": content_type})

    await try_all(strategies.tuples(types, contents), send, times=TIMES)


async def test_sr35_malformed_bytes_are_refused(anonymous_probe: Probe) -> None:
    def send(parts: tuple[bytes, bytes]) -> None:
        address = urlsplit(anonymous_probe.address)
        with socket.create_connection((address.hostname, address.port), 5) as connection:
            connection.sendall(b"".join(parts) + b"\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer[:10] in (b"", b"HTTP/1.1 2", b"HTTP/1.1 4"), answer
        anonymous_probe.be_well()

    await try_all(
        strategies.tuples(strategies.sampled_from(STARTS), strategies.binary()), send, times=TIMES
    )
