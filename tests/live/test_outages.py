"""An API server in trouble is felt nowhere but in its own facts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from cluster.cluster import Clusters, load_clusters
from tests.callers import Caller, People
from tests.cluster.proxy import Proxy, kubeconfig_of, open_proxy
from tests.cluster.test_outages import PROXY_FAULTS
from tests.testbed import ClusterTestbed

INTERVAL = timedelta(seconds=0.5)
FAULTS = (
    "hangs",
    "is cut off in the middle of an answer",
    "answers 500",
    "answers 403",
    "answers 410",
)


@pytest.fixture
async def proxy(testbed: ClusterTestbed) -> AsyncIterator[Proxy]:
    testbed.seed()
    async with open_proxy(testbed.kubeconfig) as proxy:
        yield proxy


@pytest.fixture
async def clusters(proxy: Proxy, tmp_path: Path) -> Clusters:
    path = tmp_path / "proxy.kubeconfig"
    path.write_text(kubeconfig_of(proxy.url))
    return await load_clusters(kubeconfig=str(path), facts_interval=INTERVAL, environ={})


@pytest.mark.parametrize("fault", FAULTS)
async def test_profile_page_survives_outage(
    alice: Caller, people: People, proxy: Proxy, fault: str
) -> None:
    slug = "/cluster/k8s_pod_count/"
    before = (await alice.rest("GET", slug)).json()
    assert before["k8s_pod_count"] is not None
    PROXY_FAULTS[fault](proxy)
    for _ in range(4):
        profile = await alice.rest("GET", f"/users/{people.alice.id}/")
        assert profile.status_code == 200
        assert profile.json()["k8s_serviceaccount"] == "team-alice:alice"
        assert profile.json()["k8s_token"] is None
        assert (await alice.rest("GET", slug)).json() == before
        await asyncio.sleep(INTERVAL.total_seconds() / 2)
    proxy.behave()
    await asyncio.sleep(3 * INTERVAL.total_seconds())
    profile = await alice.rest("GET", f"/users/{people.alice.id}/")
    assert profile.json()["k8s_token"]
    assert (await alice.data("{ cluster { reachable } }"))["cluster"]["reachable"]
