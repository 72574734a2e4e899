import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from kubernetes.aio.client import Configuration

from cluster.connection import (
    ApiObject,
    ClusterRefused,
    ClusterUnavailable,
    Connection,
    response_error,
)

ACCOUNT = "/api/v1/namespaces/{namespace}/serviceaccounts/{name}"


class ApiServer:
    """Records the requests, and answers each with an empty object."""

    def __init__(self) -> None:
        self.requests: list[SimpleNamespace] = []

    async def answer(self, request: web.Request) -> web.Response:
        received = SimpleNamespace(
            method=request.method,
            url=request.rel_url,
            headers=request.headers,
            text=await request.text(),
        )
        self.requests.append(received)
        return web.json_response({})


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
async def configuration(server: ApiServer) -> AsyncIterator[Configuration]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    async with TestServer(application) as running:
        host = f"http://127.0.0.1:{running.port}"
        yield Configuration(host=host, api_key={"BearerToken": "Bearer s3cr3t"})


@pytest.fixture
async def connection(configuration: Configuration) -> AsyncIterator[Connection]:
    connection = Connection("a", configuration)
    yield connection
    await connection.close()


async def test_call_sends_the_request(connection: Connection, server: ApiServer) -> None:
    await connection.call(
        "POST",
        ACCOUNT,
        ApiObject,
        seconds=5,
        names={"namespace": "team a?", "name": "{namespace}:é"},
        query={"limit": 1, "continue": "x&y="},
        body={"spec": {"audiences": []}},
    )
    (request,) = server.requests
    assert request.method == "POST"
    assert request.url.parts[4:] == ("team a?", "serviceaccounts", "{namespace}:é")
    assert dict(request.url.query) == {"limit": "1", "continue": "x&y="}
    assert request.text == '{"spec": {"audiences": []}}'
    assert request.headers["Authorization"] == "Bearer s3cr3t"
    assert request.headers["Accept"] == request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "%2e%2e", "a%2fb"])
@pytest.mark.parametrize("key", ["namespace", "name"])
async def test_name_cannot_change_the_path(
    connection: Connection, server: ApiServer, key: str, name: str
) -> None:
    names = {"namespace": "default", "name": "alice", key: name}
    with pytest.raises(ClusterRefused, match="not a name") as refusal:
        await connection.call("GET", ACCOUNT, ApiObject, seconds=5, names=names)
    assert refusal.value.status == 422
    assert server.requests == []


async def test_timeout_covers_credential_plugins(
    configuration: Configuration, connection: Connection
) -> None:
    async def hang(_: Configuration) -> None:
        await asyncio.sleep(3600)

    configuration.refresh_api_key_hook = hang  # type: ignore[assignment]
    with pytest.raises(ClusterUnavailable, match="in time"):
        await connection.call("GET", "/version/", ApiObject, seconds=0.05)


@asynccontextmanager
async def tls_server(folder: Path, name: str, *, days: int) -> AsyncIterator[tuple[int, str]]:
    """The port and the certificate file of a server whose certificate is valid for `days`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "server.crt", folder / "server.key"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], str(file)


async def problem_of(host: str, authority: str | None = None) -> str:
    configuration = Configuration(host=host, api_key={"BearerToken": "Bearer s3cr3t"})
    configuration.ssl_ca_cert = authority
    connection = Connection("a", configuration)
    try:
        with pytest.raises(ClusterUnavailable) as unavailable:
            await connection.call("GET", "/version/", ApiObject, seconds=20)
    finally:
        await connection.close()
    return str(unavailable.value)


@pytest.mark.parametrize(
    ("name", "days", "is_trusted", "cause"),
    [
        ("localhost", 30, False, "its certificate is not trusted"),
        ("localhost", -1, True, "its certificate has expired"),
        ("elsewhere.example.org", 30, True, "its certificate is for another host name"),
    ],
)
async def test_certificate_problem_is_named(
    tmp_path: Path, name: str, days: int, is_trusted: bool, cause: str
) -> None:
    async with tls_server(tmp_path, name, days=days) as (port, file):
        problem = await problem_of(f"https://localhost:{port}", file if is_trusted else None)
    assert problem == f"Cluster 'a' cannot be reached: {cause}."


@pytest.mark.parametrize(
    ("host", "cause"),
    [
        ("http://127.0.0.1:1", "connection refused"),
        ("http://nowhere.invalid", "its host name is not found"),
    ],
)
async def test_missing_server_is_named(host: str, cause: str) -> None:
    assert await problem_of(host) == f"Cluster 'a' cannot be reached: {cause}."


async def test_other_protocol_is_named(configuration: Configuration) -> None:
    host = configuration.host.replace("http:", "https:")
    assert await problem_of(host) == "Cluster 'a' cannot be reached: the TLS handshake fails."


async def test_closed_connection_is_named() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        problem = await problem_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert problem == "Cluster 'a' cannot be reached: the connection was closed."


@pytest.mark.parametrize("status", [300, 401, 408, 410, 429, 500, 502, 503, 504])
def test_retryable_status_is_unavailability(status: int) -> None:
    assert isinstance(response_error("a", status, b"{}"), ClusterUnavailable)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422])
def test_client_error_has_the_servers_message(status: int) -> None:
    refusal = response_error("a", status, b'{"message": "because"}')
    assert isinstance(refusal, ClusterRefused)
    assert (refusal.status, str(refusal)) == (status, "because")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": 7}', b"\xff"])
def test_refusal_without_message_names_the_status(body: bytes) -> None:
    assert "403" in str(response_error("a", 403, body))
