import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
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
