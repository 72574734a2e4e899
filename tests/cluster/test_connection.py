import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse
from kubernetes.aio.client import Configuration

from cluster.connection import (
    ApiObject,
    ClusterRefused,
    ClusterUnavailable,
    Connection,
    response_error,
)


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    connection = Connection("a", Configuration(host="http://127.0.0.1:1"))
    yield connection
    await connection.close()


async def test_timeout_covers_credential_plugins(connection: Connection) -> None:
    async def asks_a_plugin_that_hangs(**_: Any) -> ClientResponse:
        await asyncio.sleep(3600)
        raise AssertionError

    with pytest.raises(ClusterUnavailable, match="in time"):
        await connection.call(asks_a_plugin_that_hangs, ApiObject, seconds=0.05)


async def test_request_timeout_is_a_plain_number(connection: Connection) -> None:
    told: dict[str, Any] = {}

    async def listens(**arguments: Any) -> ClientResponse:
        told.update(arguments)
        raise OSError

    with pytest.raises(ClusterUnavailable, match="cannot be reached"):
        await connection.call(listens, ApiObject, seconds=0.05, name="x")
    assert told == {"_request_timeout": 0.05, "name": "x"}


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
