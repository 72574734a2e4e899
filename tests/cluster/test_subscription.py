"""Listeners of a portal with a real API server behind it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from cluster.cluster import Cluster, Clusters
from tests.callers import Caller
from tests.cluster.conftest import OpenCluster
from tests.cluster.proxy import Proxy
from tests.sockets import connected, streamed
from tests.testbed import ClusterTestbed

pytestmark = pytest.mark.sockets

PODS = "subscription { clusterFacts { podCount } }"
NAMESPACE = "team-alice"


@pytest.fixture(scope="module")
def seeded(testbed: ClusterTestbed) -> ClusterTestbed:
    testbed.seed()
    return testbed


@pytest.fixture
async def cluster(
    seeded: ClusterTestbed, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> Cluster:
    return await open_cluster(proxy_kubeconfig)


@pytest.fixture
def clusters(cluster: Cluster) -> Clusters:
    return Clusters([cluster])


@pytest.fixture
def pod(admin: client.ApiClient, fresh_name: str) -> Iterator[client.V1Pod]:
    """A pod that is not there yet, and gone after the test."""
    container = client.V1Container(name="main", image="registry.example.org/nothing")
    yield client.V1Pod(
        metadata=client.V1ObjectMeta(name=fresh_name),
        spec=client.V1PodSpec(containers=[container]),
    )
    with suppress(ApiException):
        client.CoreV1Api(admin).delete_namespaced_pod(fresh_name, NAMESPACE, grace_period_seconds=0)


async def test_new_pod_reaches_subscriptions(
    alice: Caller, admin: client.ApiClient, pod: client.V1Pod
) -> None:
    async with connected(alice) as socket, streamed(alice, PODS) as events:
        await socket.subscribe(PODS)
        before = (await socket.next())["clusterFacts"]["podCount"]
        assert await events.next() == {"clusterFacts": {"podCount": before}}
        client.CoreV1Api(admin).create_namespaced_pod(NAMESPACE, pod)
        after = {"clusterFacts": {"podCount": before + 1}}
        assert (await socket.next(), await events.next()) == (after, after)


async def test_listeners_make_no_calls_to_the_api_server(
    alice: Caller, proxy: Proxy, admin: client.ApiClient, pod: client.V1Pod
) -> None:
    async with AsyncExitStack() as stack:
        proxy.passages.clear()
        listeners = [await stack.enter_async_context(streamed(alice, PODS)) for _ in range(20)]
        before = {str(await listener.next()) for listener in listeners}
        client.CoreV1Api(admin).create_namespaced_pod(NAMESPACE, pod)
        after = {str(await listener.next()) for listener in listeners}
    assert (len(before), len(after)) == (1, 1)
    calls = Counter(passage.path for passage in proxy.passages)
    # One call of each path in each interval, for all listeners together.
    assert max(calls.values()) <= calls["/version/"] + 1, calls
