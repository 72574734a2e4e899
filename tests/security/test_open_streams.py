"""Open streams are limited per user, and per address for anonymous callers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from portal.settings import Settings
from portal.web.streams import StreamLimits
from tests.callers import Caller
from tests.sockets import connected, opened, streamed

pytestmark = pytest.mark.sockets

PODS = "subscription { clusterFacts { podCount } }"
MOST = 3


@pytest.fixture
def database_kind() -> str:
    """Nothing here depends on the kind of database."""
    return "sqlite"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"trusted_proxies": ("127.0.0.1",)})


@pytest.fixture
def stream_limits() -> StreamLimits:
    return StreamLimits(connections=MOST)


def at(address: str, caller: Caller) -> Caller:
    """The same caller at another address, as a proxy reports it."""
    return Caller(caller.client, {**caller.headers, "X-Forwarded-For": address})


async def status(caller: Caller) -> int:
    async with streamed(caller, PODS) as events:
        return events.response.status_code


async def test_sr34_streams_per_user_are_limited(alice: Caller, bob: Caller) -> None:
    async with AsyncExitStack() as stack:
        open_ones = [
            await stack.enter_async_context(streamed(at(address, alice), PODS))
            for address in ("192.0.2.1", "192.0.2.2")
        ]
        for events in open_ones:
            assert await events.next()
        await stack.enter_async_context(connected(alice))
        refused = await stack.enter_async_context(streamed(alice, PODS))
        assert refused.response.status_code == 429
        assert refused.response.headers["Content-Type"].startswith("application/json")
        body = await refused.response.aread()
        assert b'"code":"RATE_LIMITED"' in body
        async with opened(alice) as socket:
            await socket.send(type="connection_init", payload=alice.headers)
            assert await socket.close_code() == 1013
        assert await status(bob) == 200
        assert (await alice.data("{ viewer { username } }"))["viewer"]
    async with asyncio.timeout(30):
        while await status(alice) != 200:  # noqa: ASYNC110  # the server has no event for it
            await asyncio.sleep(0.01)


async def test_sr34_anonymous_streams_count_per_address(anonymous: Caller) -> None:
    def handshake(address: str) -> dict[str, str]:
        return {"X-Forwarded-For": address}

    async with AsyncExitStack() as stack:
        for host in range(MOST):
            headers = handshake(f"2001:db8::{host}")
            await stack.enter_async_context(connected(anonymous, additional_headers=headers))
        async with opened(anonymous, additional_headers=handshake("2001:db8::9")) as socket:
            await socket.send(type="connection_init")
            assert await socket.close_code() == 1013
        async with connected(anonymous, additional_headers=handshake("2001:db8:0:1::9")):
            pass


async def test_refused_stream_uses_no_slot(alice: Caller) -> None:
    invalid = Caller(alice.client, {"Authorization": "Bearer nonsense"})
    for _ in range(MOST + 1):
        assert await status(invalid) == 200
        async with streamed(alice, "subscription { nope }") as events:
            await events.rest()
        async with opened(alice) as socket:
            await socket.send(type="connection_init", payload=invalid.headers)
            assert await socket.close_code() == 4403
    assert await status(alice) == 200
