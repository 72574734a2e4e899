import asyncio
import time
from typing import Any

import pytest
from aiohttp import ClientResponse
from kubernetes.aio.client import Configuration

from cluster.connection import Answer, Caller, ClusterRefused, ClusterUnavailable, Connection, fault


@pytest.fixture
def caller() -> Caller:
    return Caller(Connection("a", Configuration(host="http://127.0.0.1:1")), seconds=0.05)


async def test_what_hangs_before_the_request_is_limited_too(caller: Caller) -> None:
    async def asks_a_plugin_that_hangs(**_: Any) -> ClientResponse:
        await asyncio.sleep(3600)
        raise AssertionError

    started = time.monotonic()
    with pytest.raises(ClusterUnavailable, match="in time"):
        await caller.call(asks_a_plugin_that_hangs, Answer)
    assert time.monotonic() - started < 5


async def test_the_client_is_told_the_limit_as_a_plain_number(caller: Caller) -> None:
    told: dict[str, Any] = {}

    async def listens(**arguments: Any) -> ClientResponse:
        told.update(arguments)
        raise OSError

    with pytest.raises(ClusterUnavailable, match="cannot be reached"):
        await caller.call(listens, Answer, name="x")
    assert told == {"_request_timeout": 0.05, "name": "x"}


@pytest.mark.parametrize("status", [300, 401, 408, 410, 429, 500, 502, 503, 504])
def test_an_answer_that_says_nothing_about_the_request_is_unavailability(status: int) -> None:
    assert isinstance(fault("a", status, b"{}"), ClusterUnavailable)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422])
def test_an_answer_about_the_request_is_a_refusal_in_the_servers_words(status: int) -> None:
    refusal = fault("a", status, b'{"message": "because"}')
    assert isinstance(refusal, ClusterRefused)
    assert (refusal.status, str(refusal)) == (status, "because")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": 7}', b"\xff"])
def test_a_refusal_without_words_names_the_status(body: bytes) -> None:
    assert "403" in str(fault("a", 403, body))
