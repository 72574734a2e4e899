"""GraphQL over WebSockets, with the protocol graphql-transport-ws."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from models import Session, User
from portal.web.server import MAXIMUM_MESSAGE
from portal.web.streams import StreamLimits
from tests.callers import ORIGIN, Caller, People
from tests.cluster.waiting import until
from tests.sockets import Socket, connected, opened
from tests.stand_in import StandIn

pytestmark = pytest.mark.sockets

PODS = "subscription { clusterFacts { podCount } }"
FIRST = {"clusterFacts": {"podCount": 1}}
LOGOUT = "mutation { logout { errors { message } } }"
VIEWER = "{ viewer { username } }"


async def answer(socket: Socket, query: str, **variables: Any) -> list[dict[str, Any]]:
    """All messages about one operation."""
    await socket.subscribe(query, id="answer", **variables)
    messages = [await socket.receive()]
    while messages[-1]["type"] == "next":
        messages.append(await socket.receive())
    assert {message["id"] for message in messages} == {"answer"}
    return messages


def codes(message: dict[str, Any]) -> list[str]:
    payload = message["payload"]
    errors = payload if message["type"] == "error" else payload["errors"]
    return [error["extensions"]["code"] for error in errors]


async def test_facts_are_sent_first_and_on_change(alice: Caller, main: StandIn) -> None:
    async with connected(alice) as socket:
        await socket.subscribe(PODS)
        assert await socket.next() == FIRST
        main.tell(pod_count=2)
        assert await socket.next() == {"clusterFacts": {"podCount": 2}}


async def test_credentials_may_come_with_the_handshake(alice: Caller) -> None:
    async with opened(alice, additional_headers=alice.headers) as socket:
        await socket.send(type="connection_init")
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.subscribe(PODS)
        assert await socket.next() == FIRST


async def test_every_result_includes_its_cost(alice: Caller) -> None:
    cost = {"cost": {"requested": 2, "maximum": 50_000}}
    async with connected(alice) as socket:
        for number, query in enumerate((PODS, VIEWER)):
            await socket.subscribe(query, id=str(number))
            assert (await socket.receive())["payload"]["extensions"] == cost


async def test_payload_credentials_take_precedence(alice: Caller, bob: Caller) -> None:
    async with opened(alice, additional_headers=alice.headers) as socket:
        payload = {"authorization": bob.headers["Authorization"]}
        await socket.send(type="connection_init", payload=payload)
        assert await socket.receive() == {"type": "connection_ack"}
        [result, _] = await answer(socket, VIEWER)
        assert result["payload"]["data"] == {"viewer": {"username": "bob"}}


@pytest.mark.parametrize("payload", [{}, {"Authorization": None}, {"Authorization": 7}])
async def test_anonymous_client_cannot_listen(anonymous: Caller, payload: dict[str, Any]) -> None:
    async with opened(anonymous) as socket:
        await socket.send(type="connection_init", payload=payload)
        assert await socket.receive() == {"type": "connection_ack"}
        [refusal] = await answer(socket, PODS)
        assert (refusal["type"], codes(refusal)) == ("error", ["UNAUTHENTICATED"])
        [result, _] = await answer(socket, "{ portal { name } }")
        assert result["payload"]["data"] == {"portal": {"name": "KubePortal"}}


async def test_invalid_credentials_refuse_connection(alice: Caller, people: People) -> None:
    await User.filter(id=people.alice.id).update(is_active=False)
    for headers in (alice.headers, {"Authorization": "Bearer nonsense"}):
        async with opened(alice) as socket:
            await socket.send(type="connection_init", payload=headers)
            assert await socket.close_code() == 4403


async def test_logout_ends_stream_and_connection(alice: Caller, main: StandIn) -> None:
    async with connected(alice) as socket:
        await socket.subscribe(PODS)
        assert await socket.next() == FIRST
        await alice.data(LOGOUT)
        main.tell(pod_count=2)
        last = await socket.receive()
        assert (last["type"], codes(last)) == ("next", ["UNAUTHENTICATED"])
        assert last["payload"]["data"] is None
        assert await socket.receive() == {"type": "complete", "id": "1"}
        assert await socket.close_code() == 4403
    await until(lambda: main.watchers == 0)


@pytest.mark.parametrize("limits", [StreamLimits(recheck_interval=timedelta(seconds=0.05))])
async def test_idle_stream_ends_with_the_session(alice: Caller) -> None:
    async with connected(alice) as socket:
        await socket.subscribe(PODS)
        assert await socket.next() == FIRST
        await Session.all().delete()
        assert await socket.close_code() == 4403


async def test_ended_session_runs_no_operations(alice: Caller) -> None:
    async with connected(alice) as socket:
        [result, _] = await answer(socket, LOGOUT)
        assert result["payload"]["data"] == {"logout": {"errors": []}}
        [result, _] = await answer(socket, "{ clusters { name } }")
        assert codes(result) == ["UNAUTHENTICATED"]
        assert await socket.close_code() == 4403


async def test_each_operation_has_a_context_of_its_own(alice: Caller, people: People) -> None:
    groups = "{ viewer { firstName groups { name } } }"
    async with connected(alice) as socket:
        [before, _] = await answer(socket, groups)
        await User.filter(id=people.alice.id).update(first_name="Alicia")
        await people.developers.delete()
        [after, _] = await answer(socket, groups)
    seen = [message["payload"]["data"]["viewer"] for message in (before, after)]
    assert [viewer["firstName"] for viewer in seen] == ["Alice", "Alicia"]
    assert [len(viewer["groups"]) for viewer in seen] == [3, 2]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { clusterFacts(name: 7) { name } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($a: String!) { clusterFacts(name: $a) { name } }", "BAD_USER_INPUT"),
        ("query A { __typename } query B { __typename }", "BAD_USER_INPUT"),
        ('subscription { clusterFacts(name: "nowhere") { name } }', "NOT_FOUND"),
    ],
)
async def test_operation_that_cannot_start_is_an_error(
    alice: Caller, query: str, code: str
) -> None:
    async with connected(alice) as socket:
        [refusal] = await answer(socket, query)
        assert (refusal["type"], codes(refusal)) == ("error", [code])
        assert (await answer(socket, VIEWER))[0]["payload"]["data"]


async def test_unexpected_error_is_masked_and_logged(
    alice: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret of the machine")

    async with connected(alice) as socket:
        monkeypatch.setattr("resolvers.clusters.all_clusters", fail)
        [result, _] = await answer(socket, "{ clusters { name } }")
        monkeypatch.setattr("resolvers.sessions.actor_of", fail)
        [refusal] = await answer(socket, VIEWER)
    for [error] in (result["payload"]["errors"], refusal["payload"]):
        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert "secret" not in str(error)
        assert error["extensions"]["requestId"] in caplog.text
    assert "the secret of the machine" in caplog.text


async def test_failed_user_lookup_is_worth_retrying(
    alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError("the database is down")

    monkeypatch.setattr("resolvers.sessions.actor_of", fail)
    async with opened(alice) as socket:
        await socket.send(type="connection_init", payload=alice.headers)
        assert await socket.close_code() == 1013


@pytest.mark.parametrize("protocols", [["graphql-ws"], ["soap"], None])
async def test_other_protocols_are_refused(anonymous: Caller, protocols: list[str] | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(anonymous, subprotocols=protocols):
            pass
    assert refused.value.response.status_code == 400
    assert b"graphql-transport-ws" in (refused.value.response.body or b"")


async def test_of_several_protocols_ours_is_taken(anonymous: Caller) -> None:
    async with opened(anonymous, subprotocols=["graphql-ws", "graphql-transport-ws"]) as socket:
        assert socket.connection.subprotocol == "graphql-transport-ws"


async def test_own_and_allowed_origins_connect(anonymous: Caller) -> None:
    for origin in (ORIGIN, str(anonymous.client.base_url).rstrip("/")):
        async with connected(anonymous, origin=origin):
            pass


@pytest.mark.parametrize(
    "origin",
    ["null", "https://evil.example.org", f"{ORIGIN}.evil.org", ORIGIN.replace("http", "https"), ""],
)
async def test_pages_of_other_origins_may_not(anonymous: Caller, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(anonymous, additional_headers={"Origin": origin}):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("limits", [StreamLimits(connection_init=timedelta(seconds=0.05))])
async def test_silent_client_is_disconnected(anonymous: Caller) -> None:
    async with opened(anonymous) as socket:
        assert await socket.close_code() == 4408


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "subscribe", "id": "1", "payload": {"query": VIEWER}}], 4401),
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([{"type": "connection_init", "payload": []}], 4400),
        ([{"type": "connection_init"}, {"type": "start", "id": "1"}], 4400),
        ([{"type": "x" * 200}], 4400),
    ],
)
async def test_protocol_error_closes_with_reason(
    anonymous: Caller, messages: list[dict[str, Any]], code: int
) -> None:
    async with opened(anonymous) as socket:
        for message in messages:
            await socket.send(**message)
        assert await socket.close_code() == code


async def test_operation_id_is_reserved_until_its_end(alice: Caller) -> None:
    async with connected(alice) as socket:
        await socket.subscribe(PODS)
        await socket.next()
        await socket.send(type="complete", id="1")
        await socket.subscribe(PODS)
        assert await socket.next() == FIRST
        await socket.subscribe(PODS)
        assert await socket.close_code() == 4409


@pytest.mark.parametrize(
    "content",
    [
        b"\x00",
        "{",
        "[" * 100_000,
        "[]",
        "7",
        "null",
        '"text"',
        "{}",
        '{"type": 7}',
        '{"type": "complete"}',
        '{"type": "complete", "id": {}}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": [], "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "1", "payload": []}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 7}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": 7}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "extensions": 7}}',
    ],
    ids=lambda content: str(content)[:60],
)
async def test_malformed_message_closes_connection(
    anonymous: Caller, content: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(anonymous) as socket:
        await socket.connection.send(content)
        assert await socket.close_code() == 4400
    assert "Traceback" not in caplog.text


async def test_a_message_may_have_one_mebibyte(anonymous: Caller) -> None:
    def ping(size: int) -> str:
        empty = json.dumps({"type": "ping", "payload": {"a": ""}})
        return json.dumps({"type": "ping", "payload": {"a": "x" * (size - len(empty))}})

    async with connected(anonymous) as socket:
        await socket.connection.send(ping(MAXIMUM_MESSAGE))
        assert await socket.receive() == {"type": "pong"}
        await socket.connection.send(ping(MAXIMUM_MESSAGE + 1))
        assert await socket.close_code() == 1009


@pytest.mark.parametrize("limits", [StreamLimits(operations=2)])
async def test_operations_per_connection_are_limited(alice: Caller) -> None:
    async with connected(alice) as socket:
        for number in ("1", "2"):
            await socket.subscribe(PODS, id=number)
            assert await socket.next() == FIRST
        [refusal] = await answer(socket, PODS)
        assert (refusal["type"], codes(refusal)) == ("error", ["RATE_LIMITED"])
        await socket.send(type="complete", id="1")
        [result, _] = await answer(socket, VIEWER)
        assert result["payload"]["data"] == {"viewer": {"username": "Alice"}}


@pytest.mark.parametrize("how", ["complete", "close", "abort"])
async def test_disconnect_releases_all_resources(
    alice: Caller, main: StandIn, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        socket = await stack.enter_async_context(connected(alice))
        await socket.subscribe(PODS)
        await socket.next()
        assert main.watchers == 1
        if how == "complete":
            await socket.send(type="complete", id="1")
            await until(lambda: main.watchers == 0)
        if how == "abort":
            socket.connection.transport.abort()
    await until(lambda: main.watchers == 0)
    await until(lambda: asyncio.all_tasks() <= tasks)
    assert "Traceback" not in caplog.text


async def test_slow_listener_gets_the_newest_facts(alice: Caller, main: StandIn) -> None:
    """Each event is so large that unread events fill the socket buffers soon."""
    filling = " ".join(f"a{number}: apiServerUrl" for number in range(25))
    main.api_server_url = f"https://{'x' * 20_000}.example.org"
    unhurried = connected(alice, compression=None, max_queue=1)
    async with connected(alice) as fast, unhurried as slow:
        await slow.subscribe(f"subscription {{ clusterFacts {{ podCount {filling} }} }}")
        await fast.subscribe(PODS)
        assert await fast.next() == FIRST
        for number in range(2, 102):
            main.tell(pod_count=number)
            assert await fast.next() == {"clusterFacts": {"podCount": number}}
        heard = [(await slow.next())["clusterFacts"]["podCount"]]
        while heard[-1] < 101:
            heard.append((await slow.next())["clusterFacts"]["podCount"])
    assert heard == sorted(set(heard))
    assert len(heard) < 50
