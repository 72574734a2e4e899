"""Who hears which facts, and for how long."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from cluster.cluster import Clusters
from models import Session, User
from portal.web.streams import StreamLimits
from tests.callers import Caller, Clock, People
from tests.cluster.waiting import until
from tests.sockets import Events, streamed
from tests.stand_in import StandIn, clusters_of
from tests.statements import recorded_statements

pytestmark = pytest.mark.sockets

PODS = "subscription { clusterFacts { podCount } }"
LOGOUT = "mutation { logout { errors { message } } }"


@pytest.fixture
def main() -> StandIn:
    return StandIn("main")


@pytest.fixture
def edge() -> StandIn:
    return StandIn("edge")


@pytest.fixture
def clusters(main: StandIn, edge: StandIn) -> Clusters:
    return clusters_of(main, edge)


@pytest.fixture
def recheck_interval() -> timedelta:
    return timedelta(hours=1)


@pytest.fixture
def stream_limits(recheck_interval: timedelta) -> StreamLimits:
    return StreamLimits(recheck_interval=recheck_interval)


@pytest.fixture
async def pods(alice: Caller) -> AsyncIterator[Events]:
    """What Alice hears of the default cluster after its first facts."""
    async with streamed(alice, PODS) as events:
        assert await events.next() == {"clusterFacts": {"podCount": 1}}
        yield events


def ended(problem: str) -> list[Any]:
    """How a stream ends when the right to listen has gone."""
    return [
        (
            "next",
            {
                "data": None,
                "errors": [
                    {
                        "message": (
                            "User is inactive"
                            if problem == "user_inactive"
                            else "Given token not valid for any token type"
                        ),
                        "extensions": {"code": "UNAUTHENTICATED", "problem": problem},
                    }
                ],
                "extensions": {"cost": {"requested": 2, "maximum": 50_000}},
            },
        ),
        ("complete", None),
    ]


async def test_every_fact_is_sent_first(alice: Caller, main: StandIn) -> None:
    query = """subscription {
      clusterFacts { name apiServerUrl version nodeCount cpuCount memoryBytes memory(unit: GIBIBYTE)
        podCount volumeCount reachable observedAt } }"""
    main.tell(version="v1.36.0", node_count=3, memory_bytes=3 * 2**30)
    async with streamed(alice, query) as events:
        assert (await events.next())["clusterFacts"] == {
            "name": "main",
            "apiServerUrl": "https://main.example.org",
            "version": "v1.36.0",
            "nodeCount": 3,
            "cpuCount": None,
            "memoryBytes": 3 * 2**30,
            "memory": 3.0,
            "podCount": 1,
            "volumeCount": None,
            "reachable": True,
            "observedAt": "2030-01-01T00:00:00+00:00",
        }


async def test_later_results_are_changes(pods: Events, main: StandIn, clock: Clock) -> None:
    main.tell(observed_at=clock())
    main.tell(pod_count=2)
    assert await pods.next() == {"clusterFacts": {"podCount": 2}}
    main.tell(observed_at=clock())
    main.tell(pod_count=3)
    assert await pods.next() == {"clusterFacts": {"podCount": 3}}


async def test_a_cluster_is_chosen_by_name(alice: Caller, main: StandIn, edge: StandIn) -> None:
    query = "subscription ($name: String) { clusterFacts(name: $name) { name podCount } }"
    async with streamed(alice, query, name="edge") as events:
        assert (await events.next())["clusterFacts"]["name"] == "edge"
        main.tell(pod_count=7)
        edge.tell(pod_count=8)
        assert (await events.next())["clusterFacts"] == {"name": "edge", "podCount": 8}


@pytest.mark.parametrize(
    ("caller", "name", "code"),
    [
        ("anonymous", "main", "UNAUTHENTICATED"),
        ("anonymous", "nowhere", "UNAUTHENTICATED"),
        ("alice", "nowhere", "NOT_FOUND"),
    ],
)
async def test_refused_listener_gets_a_reason(
    anonymous: Caller, alice: Caller, caller: str, name: str, code: str
) -> None:
    query = "subscription ($name: String) { clusterFacts(name: $name) { name } }"
    somebody = {"anonymous": anonymous, "alice": alice}[caller]
    async with streamed(somebody, query, name=name) as events:
        refusal, end = await events.rest()
    assert "data" not in refusal[1]
    assert [error["extensions"]["code"] for error in refusal[1]["errors"]] == [code]
    assert end == ("complete", None)


async def test_change_costs_one_statement_per_listener(pods: Events, main: StandIn) -> None:
    with recorded_statements() as statements:
        main.tell(pod_count=2)
        await pods.next()
    assert len(statements) == 1, statements


async def test_logout_ends_the_stream(alice: Caller, pods: Events, main: StandIn) -> None:
    await alice.data(LOGOUT)
    main.tell(pod_count=2)
    assert await pods.rest() == ended("token_not_valid")
    await until(lambda: main.watchers == 0)


async def test_expired_session_ends_the_stream(pods: Events, main: StandIn, clock: Clock) -> None:
    clock.advance(hours=12)
    main.tell(pod_count=2)
    assert await pods.rest() == ended("token_not_valid")


async def test_closed_account_ends_the_stream(pods: Events, main: StandIn, people: People) -> None:
    await User.filter(id=people.alice.id).update(is_active=False)
    main.tell(pod_count=2)
    assert await pods.rest() == ended("user_inactive")


async def test_deleted_user_ends_the_stream(pods: Events, main: StandIn, people: People) -> None:
    await User.filter(id=people.alice.id).delete()
    main.tell(pod_count=2)
    assert await pods.rest() == ended("token_not_valid")


@pytest.mark.parametrize("recheck_interval", [timedelta(seconds=0.05)])
async def test_ended_session_ends_an_idle_stream(pods: Events, main: StandIn) -> None:
    await Session.all().delete()
    assert await pods.rest() == ended("token_not_valid")
    await until(lambda: main.watchers == 0)


@pytest.mark.parametrize("recheck_interval", [timedelta(seconds=0.02)])
async def test_session_check_sends_no_result(pods: Events, main: StandIn) -> None:
    with recorded_statements() as statements:
        await until(lambda: len(statements) > 3)
    main.tell(pod_count=2)
    assert await pods.next() == {"clusterFacts": {"podCount": 2}}


async def test_closed_cluster_completes_the_stream(pods: Events, main: StandIn) -> None:
    await main.close()
    assert await pods.rest() == [("complete", None)]


async def test_unexpected_error_ends_the_stream(
    pods: Events,
    main: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret of the machine")

    monkeypatch.setattr("resolvers.sessions.actor_of", fail)
    main.tell(pod_count=2)
    failure, end = await pods.rest()
    [error] = failure[1]["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["extensions"]["requestId"] == pods.response.headers["x-request-id"]
    assert "secret" not in str(failure)
    assert "the secret of the machine" in caplog.text
    assert end == ("complete", None)


class TestWithoutCluster:
    @pytest.fixture
    def clusters(self) -> Clusters:
        return Clusters()

    async def test_portal_without_cluster_sends_an_error(self, alice: Caller) -> None:
        async with streamed(alice, PODS) as events:
            refusal, _ = await events.rest()
        assert [error["extensions"]["code"] for error in refusal[1]["errors"]] == ["UNAVAILABLE"]
