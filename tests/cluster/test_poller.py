import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from cluster.connection import ClusterError, ClusterRefused, ClusterUnavailable
from cluster.facts import Observation, Poller, Snapshot
from tests.cluster.waiting import until

INTERVAL = 0.02
FINE = Observation({"pod_count": 3}, {})
DOWN = Observation({}, {"version": ClusterUnavailable("gone")})

Scenario = Callable[..., Awaitable[tuple[Poller, Snapshot]]]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def poll() -> AsyncIterator[Scenario]:
    """A poller that sees the given observations one after the other, the last one forever."""
    async with AsyncExitStack() as stack:

        async def scenario(*observations: Observation) -> tuple[Poller, Snapshot]:
            script = list(observations)

            async def observe() -> Observation:
                return script.pop(0) if len(script) > 1 else script[0]

            snapshot = Snapshot()
            poller = Poller("a", observe, snapshot, interval=INTERVAL, clock=now)
            stack.push_async_callback(poller.close)
            await poller.start(wait_seconds=1)
            return poller, snapshot

        yield scenario


async def test_outage_keeps_facts_and_their_time(
    poll: Scenario,
) -> None:
    _, snapshot = await poll(FINE, DOWN)
    seen = snapshot.facts.observed_at
    await until(lambda: not snapshot.facts.reachable)
    assert snapshot.facts.pod_count == 3
    assert snapshot.facts.observed_at == seen is not None


async def test_each_change_of_state_is_logged_once(
    poll: Scenario, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    _, snapshot = await poll(DOWN, DOWN, DOWN, FINE, FINE, DOWN, DOWN, FINE)
    await until(lambda: len(caplog.records) >= 4 and snapshot.facts.reachable)
    await asyncio.sleep(3 * INTERVAL)
    assert [record.message for record in caplog.records] == [
        "cluster a is unreachable, its last facts stay: gone",
        "cluster a is reachable",
        "cluster a is unreachable, its last facts stay: gone",
        "cluster a is reachable",
    ]


async def test_refused_subject_is_logged_once(
    poll: Scenario, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    refusal: dict[str, ClusterError] = {"volumes": ClusterRefused(403, "no")}
    refused = Observation({"pod_count": 3}, refusal)
    await poll(refused, refused, DOWN, refused, FINE)
    await until(lambda: "again" in caplog.text)
    assert [record.message for record in caplog.records if "volumes" in record.message] == [
        "cluster a: cannot read volumes: no",
        "cluster a: can read volumes again",
    ]


async def test_closing_ends_the_task() -> None:
    async def observe() -> Observation:
        await asyncio.sleep(3600)
        return FINE

    poller = Poller("closing", observe, Snapshot(), interval=1, clock=now)
    await poller.start(wait_seconds=0.01)
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert "facts of closing" in names
    await poller.close()
    assert names - {task.get_name() for task in asyncio.all_tasks()} == {"facts of closing"}


async def test_closing_before_the_start_is_fine() -> None:
    await Poller("a", lambda: asyncio.sleep(0, FINE), Snapshot(), interval=1, clock=now).close()
