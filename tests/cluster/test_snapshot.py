import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cluster.facts import Facts, Snapshot
from tests.cluster.waiting import soon

THREE_PODS = Facts(pod_count=3, reachable=True, observed_at=datetime(2030, 1, 1, tzinfo=UTC))


async def test_a_watcher_gets_the_current_facts_first() -> None:
    snapshot = Snapshot()
    snapshot.publish(THREE_PODS)
    assert await soon(anext(aiter(snapshot.watch()))) == THREE_PODS


async def test_same_facts_are_not_a_change() -> None:
    snapshot = Snapshot()
    snapshot.publish(THREE_PODS)
    watch = aiter(snapshot.watch())
    await soon(anext(watch))
    change = asyncio.ensure_future(anext(watch))
    later = replace(THREE_PODS, observed_at=datetime(2030, 1, 2, tzinfo=UTC))
    snapshot.publish(later)
    await asyncio.sleep(0)
    assert not change.done()
    assert snapshot.facts == later
    four_pods = replace(later, pod_count=4)
    snapshot.publish(four_pods)
    assert await soon(change) == four_pods


async def test_slow_watcher_delays_no_other() -> None:
    snapshot = Snapshot()
    slow, fast = aiter(snapshot.watch()), aiter(snapshot.watch())
    await soon(anext(slow))
    await soon(anext(fast))
    for pods in range(100):
        snapshot.publish(Facts(pod_count=pods))
        assert (await soon(anext(fast))).pod_count == pods
    assert (await soon(anext(slow))).pod_count == 99


async def test_slow_watcher_skips_an_undone_change() -> None:
    snapshot = Snapshot()
    snapshot.publish(THREE_PODS)
    watch = aiter(snapshot.watch())
    await soon(anext(watch))
    snapshot.publish(replace(THREE_PODS, pod_count=4))
    snapshot.publish(THREE_PODS)
    change = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    assert not change.done()
    snapshot.close()
    with pytest.raises(StopAsyncIteration):
        await soon(change)


async def test_closing_ends_waiting_and_future_watches() -> None:
    snapshot = Snapshot()
    watches = [aiter(snapshot.watch()) for _ in range(3)]
    for watch in watches:
        await soon(anext(watch))
    waiting = [asyncio.ensure_future(anext(watch)) for watch in watches]
    await asyncio.sleep(0)
    snapshot.close()
    ends = await soon(asyncio.gather(*waiting, return_exceptions=True))
    assert all(isinstance(end, StopAsyncIteration) for end in ends)
    assert [facts async for facts in snapshot.watch()] == []


async def test_a_watcher_that_leaves_is_forgotten() -> None:
    snapshot = Snapshot()
    async with asyncio.timeout(30):
        async for _ in snapshot.watch():
            break
        snapshot.publish(THREE_PODS)
    assert snapshot.facts == THREE_PODS
