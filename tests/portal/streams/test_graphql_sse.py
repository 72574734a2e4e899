"""GraphQL over server-sent events, one operation per connection."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from portal.web.streams import StreamLimits
from tests.callers import ORIGIN, Caller
from tests.cluster.waiting import until
from tests.sockets import streamed
from tests.stand_in import StandIn

pytestmark = pytest.mark.sockets

PODS = "subscription { clusterFacts { podCount } }"
FIRST = {"clusterFacts": {"podCount": 1}}
EVENT_STREAM = "text/event-stream"
JSON = "application/json"
INVALID = "GRAPHQL_VALIDATION_FAILED"
GRAPHQL_JSON = "application/graphql-response+json"


async def events_of(caller: Caller, query: str, **variables: Any) -> list[Any]:
    """All events of an operation that completes."""
    async with streamed(caller, query, **variables) as events:
        assert events.response.status_code == 200
        return await events.rest()


async def test_event_stream_is_not_cached_or_buffered(alice: Caller) -> None:
    async with streamed(alice, PODS, headers={"Origin": ORIGIN}) as events:
        headers = events.response.headers
        assert events.response.status_code == 200
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        assert headers["x-accel-buffering"] == "no"
        assert headers["vary"].startswith("Accept")
        assert headers["access-control-allow-origin"] == ORIGIN
        assert headers["x-request-id"]
        assert await events.next() == FIRST


async def test_the_bytes_are_as_browsers_read_them(alice: Caller, main: StandIn) -> None:
    await main.close()
    async with streamed(alice, "{ viewer { username } }") as events:
        content = await events.response.aread()
    result = (
        b'{"data":{"viewer":{"username":"Alice"}},'
        b'"extensions":{"cost":{"requested":2,"maximum":50000}}}'
    )
    assert content == b"event: next\ndata: %b\n\nevent: complete\ndata: \n\n" % result


async def test_a_subscription_may_be_sent_by_get(alice: Caller) -> None:
    request = alice.client.stream(
        "GET",
        "/graphql",
        params={"query": PODS},
        headers={**alice.headers, "Accept": EVENT_STREAM},
    )
    async with request as response:
        lines = response.aiter_lines()
        assert [await anext(lines), await anext(lines)] == [
            "event: next",
            'data: {"data":{"clusterFacts":{"podCount":1}},'
            '"extensions":{"cost":{"requested":2,"maximum":50000}}}',
        ]


@pytest.mark.parametrize("accept", [f"{JSON}, {EVENT_STREAM}", "*/*", f"{EVENT_STREAM};q=0.1"])
async def test_subscription_is_streamed_if_accepted(alice: Caller, accept: str) -> None:
    async with streamed(alice, PODS, headers={"Accept": accept}) as events:
        assert await events.next() == FIRST


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON, f"{EVENT_STREAM};q=0, {JSON}"])
async def test_subscription_is_406_if_not_accepted(alice: Caller, accept: str) -> None:
    headers = {**alice.headers, "Accept": accept}
    response = await alice.client.post("/graphql", json={"query": PODS}, headers=headers)
    assert response.status_code == 406
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_head_does_not_wait_for_a_stream(alice: Caller) -> None:
    headers = {**alice.headers, "Accept": EVENT_STREAM}
    response = await alice.client.head("/graphql", params={"query": PODS}, headers=headers)
    assert response.status_code == 406


async def test_queries_and_mutations_have_one_result(alice: Caller) -> None:
    [(name, result), end] = await events_of(alice, "{ viewer { username } }")
    assert (name, result, end) == (
        "next",
        {
            "data": {"viewer": {"username": "Alice"}},
            "extensions": {"cost": {"requested": 2, "maximum": 50_000}},
        },
        ("complete", None),
    )
    [(_, result), _] = await events_of(alice, "mutation { logout { errors { message } } }")
    assert result["data"] == {"logout": {"errors": []}}
    [(_, result), _] = await events_of(alice, "{ clusters { name } }")
    assert result["data"] is None
    assert result["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_mutation_may_not_be_sent_by_get(alice: Caller) -> None:
    response = await alice.client.get(
        "/graphql",
        params={"query": "mutation { logout { errors { message } } }"},
        headers={**alice.headers, "Accept": EVENT_STREAM},
    )
    assert response.status_code == 405
    assert (await alice.data("{ viewer { username } }"))["viewer"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nope }", INVALID),
        ("subscription { a: clusterFacts { name } b: clusterFacts { name } }", INVALID),
        ("subscription ($a: String!) { clusterFacts(name: $a) { name } }", "BAD_USER_INPUT"),
        ("query A { __typename } query B { __typename }", "BAD_USER_INPUT"),
    ],
)
async def test_request_error_is_sent_in_the_stream(alice: Caller, query: str, code: str) -> None:
    [(_, result), end] = await events_of(alice, query)
    assert "data" not in result
    assert result["errors"][0]["extensions"]["code"] == code
    assert end == ("complete", None)


async def test_a_malformed_request_is_refused_in_json(alice: Caller) -> None:
    headers = {**alice.headers, "Accept": EVENT_STREAM, "Content-Type": JSON}
    response = await alice.client.post("/graphql", content=b"{", headers=headers)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json()["errors"]


@pytest.mark.parametrize("limits", [StreamLimits(keep_alive=timedelta(seconds=0.05))])
async def test_idle_stream_gets_keep_alive_comments(alice: Caller, main: StandIn) -> None:
    async with streamed(alice, PODS) as events:
        assert await events.next() == FIRST
        assert [await events.receive() for _ in range(3)] == [None] * 3
        main.tell(pod_count=2)
        while (event := await events.receive()) is None:
            pass
        assert event
        assert event[1]["data"] == {"clusterFacts": {"podCount": 2}}


async def test_disconnect_releases_all_resources(alice: Caller, main: StandIn) -> None:
    tasks = asyncio.all_tasks()
    async with streamed(alice, PODS) as events:
        await events.next()
        assert main.watchers == 1
    await until(lambda: main.watchers == 0)
    await until(lambda: asyncio.all_tasks() <= tasks)


async def test_listeners_share_one_source(alice: Caller, main: StandIn) -> None:
    async with AsyncExitStack() as stack:
        listeners = [await stack.enter_async_context(streamed(alice, PODS)) for _ in range(20)]
        for number in (1, 2, 3):
            heard = await asyncio.gather(*(listener.next() for listener in listeners))
            assert heard == [{"clusterFacts": {"podCount": number}}] * 20
            main.tell(pod_count=number + 1)
    assert main.watches == 20
