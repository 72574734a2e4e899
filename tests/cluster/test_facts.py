import json
import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from kubernetes.utils.quantity import parse_quantity

from cluster.facts import Facts
from tests.cluster.conftest import OpenCluster
from tests.cluster.proxy import Proxy, kubeconfig_of
from tests.cluster.waiting import soon, until
from tests.testbed import ClusterTestbed


@pytest.fixture(scope="module")
def seeded(testbed: ClusterTestbed) -> ClusterTestbed:
    testbed.seed(nodes=10, pods=60, volumes=7)
    return testbed


def capacity(nodes: list[Any], resource: str) -> Decimal:
    quantities = [node.status.capacity[resource] for node in nodes]
    return sum(map(parse_quantity, quantities), Decimal(0))


async def test_facts_match_full_lists(
    seeded: ClusterTestbed, admin: client.ApiClient, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster(seeded.kubeconfig)
    await cluster.start()
    facts = cluster.facts
    core = client.CoreV1Api(admin)
    nodes = core.list_node().items
    assert facts.version == client.VersionApi(admin).get_code().git_version
    assert facts.node_count == len(nodes) >= 10
    assert facts.cpu_count == capacity(nodes, "cpu")
    assert facts.memory_bytes == capacity(nodes, "memory")
    assert facts.pod_count == len(core.list_pod_for_all_namespaces().items) >= 60
    assert facts.volume_count == len(core.list_persistent_volume().items) >= 7
    assert facts.reachable


async def test_facts_before_the_first_observation(
    testbed: ClusterTestbed, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster(testbed.kubeconfig)
    assert cluster.facts == Facts()
    assert not cluster.facts.reachable


async def test_pods_and_volumes_are_counted_only(
    seeded: ClusterTestbed, proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    await cluster.start()
    await until(lambda: cluster.facts.observed_at)
    counted = [p for p in proxy.passages if p.path.endswith(("/pods", "/persistentvolumes"))]
    assert len(counted) == 2
    for passage in counted:
        assert passage.query == {"limit": "1"}
        assert passage.answer_bytes < 10_000


async def test_number_of_requests_is_independent_of_pods(
    seeded: ClusterTestbed, proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    await cluster.start()
    await until(lambda: cluster.facts.observed_at)
    assert sorted(p.path for p in proxy.passages) == [
        "/api/v1/nodes",
        "/api/v1/persistentvolumes",
        "/api/v1/pods",
        "/version/",
    ]


def without_remaining_count(body: bytes) -> bytes:
    answer = json.loads(body)
    answer.get("metadata", {}).pop("remainingItemCount", None)
    return json.dumps(answer).encode()


@pytest.fixture
def pages_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.connection.PAGE_SIZE", 4)


@pytest.mark.usefixtures("pages_of_four")
async def test_nodes_are_read_page_by_page(
    seeded: ClusterTestbed,
    proxy: Proxy,
    proxy_kubeconfig: Path,
    admin: client.ApiClient,
    open_cluster: OpenCluster,
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    await cluster.start()
    nodes = client.CoreV1Api(admin).list_node().items
    pages = [passage for passage in proxy.passages if passage.path == "/api/v1/nodes"]
    assert len(pages) == math.ceil(len(nodes) / 4) > 1
    assert cluster.facts.node_count == len(nodes)
    assert cluster.facts.memory_bytes == capacity(nodes, "memory")


@pytest.mark.usefixtures("pages_of_four")
async def test_missing_count_pages_through_metadata(
    seeded: ClusterTestbed,
    proxy: Proxy,
    proxy_kubeconfig: Path,
    admin: client.ApiClient,
    open_cluster: OpenCluster,
) -> None:
    proxy.rewrite(without_remaining_count)
    cluster = await open_cluster(proxy_kubeconfig)
    await cluster.start()
    pods = len(client.CoreV1Api(admin).list_pod_for_all_namespaces().items)
    pages = [p for p in proxy.passages if p.path == "/api/v1/pods" and p.query["limit"] != "1"]
    assert cluster.facts.pod_count == pods
    assert len(pages) == math.ceil(pods / 4) > 1
    assert all("as=PartialObjectMetadataList" in page.accept for page in pages)


async def test_refused_fact_is_none(
    seeded: ClusterTestbed, proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    proxy.answer(403, where="/persistentvolumes")
    cluster = await open_cluster(proxy_kubeconfig)
    await cluster.start()
    assert cluster.facts.volume_count is None
    assert cluster.facts.pod_count is not None
    assert cluster.facts.memory_bytes
    assert cluster.facts.reachable
    assert cluster.facts.observed_at is not None


async def test_fact_refused_later_keeps_its_value(
    seeded: ClusterTestbed,
    proxy: Proxy,
    proxy_kubeconfig: Path,
    open_cluster: OpenCluster,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    await cluster.start()
    volumes = cluster.facts.volume_count
    proxy.answer(403, '{"message": "you may not"}', where="/persistentvolumes")
    observations = len(proxy.passages)
    await until(lambda: len(proxy.passages) >= observations + 9)
    assert cluster.facts.volume_count == volumes is not None
    assert cluster.facts.reachable
    assert [r.message for r in caplog.records if "cannot read" in r.message] == [
        "cluster proxy: cannot read volumes: you may not"
    ]


async def test_failing_fact_is_not_observed(
    seeded: ClusterTestbed, proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    proxy.answer(500, where="/nodes")
    cluster = await open_cluster(proxy_kubeconfig)
    await cluster.start()
    assert cluster.facts.reachable
    assert cluster.facts.pod_count is not None
    assert cluster.facts.node_count is None
    assert cluster.facts.observed_at is None
    proxy.behave()
    await until(lambda: cluster.facts.observed_at)
    assert cluster.facts.node_count


def node(**capacity: str) -> dict[str, Any]:
    return {"metadata": {"name": "n"}, "status": {"capacity": capacity} if capacity else {}}


def answering_nodes(*nodes: dict[str, Any]) -> Callable[[bytes], bytes]:
    def rewrite(body: bytes) -> bytes:
        answer = json.loads(body)
        if answer.get("kind") == "NodeList":
            answer["items"] = list(nodes)
        return json.dumps(answer).encode()

    return rewrite


async def test_every_form_of_quantity_is_summed_exactly(
    seeded: ClusterTestbed, proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    proxy.rewrite(
        answering_nodes(
            node(cpu="4", memory="32823360Ki"),
            node(cpu="3920m", memory="64Gi"),
            node(cpu="0.1", memory="135000000000"),
            node(cpu="2e1", memory="128849018880000m"),
            node(cpu="100u", memory="1T"),
            node(cpu="0", memory="500m"),
        )
    )
    cluster = await open_cluster(proxy_kubeconfig)
    await cluster.start()
    assert cluster.facts.cpu_count == Decimal("28.0201")
    assert cluster.facts.memory_bytes == (
        32823360 * 2**10 + 64 * 2**30 + 135 * 10**9 + 128849018880 + 10**12 + 1
    )


async def test_node_without_capacity(
    seeded: ClusterTestbed, proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster
) -> None:
    proxy.rewrite(answering_nodes(node(cpu="2", memory="1Gi"), node()))
    cluster = await open_cluster(proxy_kubeconfig)
    await cluster.start()
    assert (cluster.facts.node_count, cluster.facts.cpu_count) == (2, Decimal(2))
    assert cluster.facts.memory_bytes == 2**30


@pytest.mark.parametrize("quantity", ["a lot", "NaN", "Infinity"])
async def test_invalid_quantity_fails_one_fact(
    seeded: ClusterTestbed,
    proxy: Proxy,
    proxy_kubeconfig: Path,
    open_cluster: OpenCluster,
    quantity: str,
) -> None:
    proxy.rewrite(answering_nodes(node(cpu=quantity, memory="1Gi")))
    cluster = await open_cluster(proxy_kubeconfig)
    await cluster.start()
    assert cluster.facts.cpu_count is None
    assert cluster.facts.pod_count is not None


async def test_change_in_the_cluster_reaches_watchers(
    seeded: ClusterTestbed,
    admin: client.ApiClient,
    open_cluster: OpenCluster,
    fresh_name: str,
) -> None:
    cluster = await open_cluster(seeded.kubeconfig)
    await cluster.start()
    watch = aiter(cluster.watch_facts())
    before = await soon(anext(watch))
    volume = client.V1PersistentVolume(
        metadata=client.V1ObjectMeta(name=fresh_name),
        spec=client.V1PersistentVolumeSpec(
            capacity={"storage": "1Gi"},
            access_modes=["ReadWriteOnce"],
            host_path=client.V1HostPathVolumeSource(path="/nowhere"),
        ),
    )
    client.CoreV1Api(admin).create_persistent_volume(volume)
    after = await soon(anext(watch))
    assert before.volume_count is not None
    client.CoreV1Api(admin).delete_persistent_volume(fresh_name)
    assert after.volume_count == before.volume_count + 1


async def test_start_with_an_unreachable_server(tmp_path: Path, open_cluster: OpenCluster) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(kubeconfig_of("http://127.0.0.1:1"))
    cluster = await open_cluster(kubeconfig)
    await cluster.start()
    assert not cluster.facts.reachable
    assert cluster.facts.observed_at is None
