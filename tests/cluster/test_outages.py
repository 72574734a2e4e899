import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.connection import ClusterUnavailable
from tests.cluster.conftest import OpenCluster
from tests.cluster.proxy import Proxy
from tests.cluster.waiting import soon, until
from tests.testbed import ClusterTestbed

HOUR = timedelta(hours=1)

PROXY_FAULTS: dict[str, Callable[[Proxy], None]] = {
    "hangs": lambda proxy: proxy.hang(),
    "is cut off in the middle of an answer": lambda proxy: proxy.cut_off(),
    "answers 500": lambda proxy: proxy.answer(500, "boom"),
    "answers 503": lambda proxy: proxy.answer(503),
    "answers 401": lambda proxy: proxy.answer(401),
    "answers 403": lambda proxy: proxy.answer(403),
    "answers 410": lambda proxy: proxy.answer(410),
    "answers 429": lambda proxy: proxy.answer(429),
    "answers HTML": lambda proxy: proxy.answer(200, "<html>Sign in</html>"),
    "answers another JSON": lambda proxy: proxy.answer(200, '["unexpected"]'),
    "answers nothing": lambda proxy: proxy.answer(200, ""),
    "answers empty objects": lambda proxy: proxy.answer(200, "{}"),
}


@pytest.fixture(params=list(PROXY_FAULTS.values()), ids=list(PROXY_FAULTS))
def fault(request: pytest.FixtureRequest) -> Callable[[Proxy], None]:
    chosen: Callable[[Proxy], None] = request.param
    return chosen


async def start(cluster: Cluster) -> None:
    """Until the facts are there: the first look may be too late on a busy machine."""
    await cluster.start()
    await until(lambda: cluster.facts.reachable)


@asynccontextmanager
async def outage_seen_by(cluster: Cluster) -> AsyncIterator[None]:
    """Checks what holds in any outage once it is noticed, before the body ends it."""
    before = cluster.facts
    assert before.reachable
    assert before.pod_count is not None
    await until(lambda: not cluster.facts.reachable)
    assert cluster.facts == replace(before, reachable=False, observed_at=cluster.facts.observed_at)
    seen = cluster.facts.observed_at
    yield
    await until(lambda: cluster.facts.reachable)
    await until(lambda: cluster.facts.observed_at != seen)


async def test_outage_keeps_facts_and_recovers(
    fault: Callable[[Proxy], None],
    proxy: Proxy,
    proxy_kubeconfig: Path,
    open_cluster: OpenCluster,
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    await start(cluster)
    fault(proxy)
    async with outage_seen_by(cluster):
        proxy.behave()


async def test_watchers_hear_of_an_outage_and_of_its_end(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    await start(cluster)
    watch = aiter(cluster.watch_facts())
    assert (await soon(anext(watch))).reachable
    proxy.answer(500)
    assert not (await soon(anext(watch))).reachable
    proxy.behave()
    assert (await soon(anext(watch))).reachable


async def test_known_outage_fails_fast(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    proxy.answer(500)
    cluster = await open_cluster(proxy_kubeconfig, facts_interval=HOUR)
    await cluster.start()
    proxy.hang()
    with pytest.raises(ClusterUnavailable, match="HTTP status 500"):
        await cluster.issue_token("default", "default", lifetime=HOUR)


async def test_unknown_outage_times_out(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    proxy.hang()
    with pytest.raises(ClusterUnavailable, match="in time"):
        await cluster.issue_token("default", "default", lifetime=HOUR)


async def test_start_does_not_wait_for_a_hanging_server(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    proxy.hang()
    cluster = await open_cluster(proxy_kubeconfig, facts_interval=HOUR, request_timeout=HOUR)
    await soon(cluster.start())
    assert not cluster.facts.reachable


async def test_a_killed_api_server_is_survived(
    testbed: ClusterTestbed, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster(testbed.kubeconfig)
    await start(cluster)
    await asyncio.to_thread(testbed.stop)
    try:
        async with outage_seen_by(cluster):
            await asyncio.to_thread(testbed.start)
        await cluster.issue_token("default", "default", lifetime=HOUR)
    finally:
        await asyncio.to_thread(testbed.start)


async def test_a_frozen_api_server_is_survived(
    testbed: ClusterTestbed, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster(testbed.kubeconfig)
    await start(cluster)
    testbed.freeze()
    try:
        async with outage_seen_by(cluster):
            testbed.thaw()
        await cluster.issue_token("default", "default", lifetime=HOUR)
    finally:
        testbed.thaw()


async def test_closing_ends_watches(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    watch = aiter(cluster.watch_facts())
    await soon(anext(watch))
    change = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    await cluster.close()
    with pytest.raises(StopAsyncIteration):
        await soon(change)


async def test_close_does_not_wait_for_a_hanging_server(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    proxy.hang()
    cluster = await open_cluster(proxy_kubeconfig, facts_interval=HOUR, request_timeout=HOUR)
    await cluster.start()
    token = asyncio.ensure_future(cluster.issue_token("default", "default", lifetime=HOUR))
    await asyncio.sleep(0.05)
    await soon(cluster.close())
    with pytest.raises(ClusterUnavailable):
        await token
