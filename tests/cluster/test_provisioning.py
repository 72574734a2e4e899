from pathlib import Path

import pytest
from kubernetes import client

from cluster.cluster import Cluster
from cluster.connection import ClusterRefused, ClusterUnavailable
from tests.cluster.conftest import OpenCluster
from tests.cluster.proxy import Proxy
from tests.testbed import ClusterTestbed


@pytest.fixture
async def cluster(testbed: ClusterTestbed, open_cluster: OpenCluster) -> Cluster:
    return await open_cluster(testbed.kubeconfig)


async def test_objects_are_created_once(
    cluster: Cluster, admin: client.ApiClient, fresh_name: str
) -> None:
    made = [
        (
            await cluster.ensure_namespace(fresh_name, made_for="first"),
            await cluster.ensure_service_account(fresh_name, "alice"),
            await cluster.ensure_role_binding(fresh_name, "alice", "edit", key="first"),
        )
        for _ in range(2)
    ]
    assert made == [(True, True, True), (True, False, False)]
    bindings = client.RbacAuthorizationV1Api(admin).list_namespaced_role_binding(fresh_name).items
    roles = [(binding.role_ref.kind, binding.role_ref.name) for binding in bindings]
    subjects = [subject.name for binding in bindings for subject in binding.subjects or []]
    assert roles == [("ClusterRole", "edit")]
    assert subjects == ["alice"]


async def test_an_existing_namespace_keeps_what_is_in_it(
    cluster: Cluster, admin: client.ApiClient, fresh_name: str
) -> None:
    core = client.CoreV1Api(admin)
    core.create_namespace(
        client.V1Namespace(metadata=client.V1ObjectMeta(name=fresh_name, labels={"made": "before"}))
    )
    assert not await cluster.ensure_namespace(fresh_name, made_for="first")
    metadata = core.read_namespace(fresh_name).metadata
    assert metadata is not None
    assert metadata.labels is not None
    assert metadata.labels["made"] == "before"


async def test_namespace_belongs_to_one_purpose(cluster: Cluster, fresh_name: str) -> None:
    made = [
        await cluster.ensure_namespace(fresh_name, made_for=purpose)
        for purpose in ("first", "first", "second", "first")
    ]
    assert made == [True, True, False, True]
    assert await cluster.ensure_namespace(fresh_name, made_for="second", ours={"first"})
    assert not await cluster.ensure_namespace(fresh_name, made_for="second", ours={"third"})


async def test_existing_namespace_has_no_purpose(
    cluster: Cluster, admin: client.ApiClient, fresh_name: str
) -> None:
    metadata = client.V1ObjectMeta(name=fresh_name)
    client.CoreV1Api(admin).create_namespace(client.V1Namespace(metadata=metadata))
    assert not await cluster.ensure_namespace(fresh_name, made_for="first")


async def test_default_account_of_a_new_namespace(
    cluster: Cluster, admin: client.ApiClient, fresh_name: str
) -> None:
    await cluster.ensure_namespace(fresh_name, made_for="first")
    await cluster.ensure_service_account(fresh_name, "default")
    assert client.CoreV1Api(admin).read_namespaced_service_account("default", fresh_name)


async def test_each_account_and_role_has_a_binding(
    cluster: Cluster, admin: client.ApiClient, fresh_name: str
) -> None:
    await cluster.ensure_namespace(fresh_name, made_for="first")
    for account, role in (("a", "b-edit"), ("a-b", "edit"), ("a", "view"), ("a", "system:node")):
        assert await cluster.ensure_role_binding(fresh_name, account, role, key="first")
    bindings = client.RbacAuthorizationV1Api(admin).list_namespaced_role_binding(fresh_name).items
    assert len(bindings) == 4


@pytest.mark.parametrize("name", ["Team A", "team_a", "-a", "", "..", "a/b", "a" * 64, "é"])
async def test_invalid_name_has_the_servers_message(cluster: Cluster, name: str) -> None:
    with pytest.raises(ClusterRefused, match=r"metadata\.name") as refusal:
        await cluster.ensure_namespace(name, made_for="first")
    assert refusal.value.status == 422


@pytest.mark.parametrize("name", ["..", "", "a/b", "%2e"])
async def test_namespace_cannot_change_the_path(cluster: Cluster, name: str) -> None:
    with pytest.raises(ClusterRefused, match="not a name"):
        await cluster.ensure_service_account(name, "alice")
    with pytest.raises(ClusterRefused, match="not a name"):
        await cluster.ensure_role_binding(name, "alice", "edit", key="first")


async def test_a_missing_namespace_is_a_refusal(cluster: Cluster, fresh_name: str) -> None:
    with pytest.raises(ClusterRefused, match=f'"{fresh_name}" not found') as refusal:
        await cluster.ensure_service_account(fresh_name, "alice")
    assert refusal.value.status == 404


async def test_a_failure_half_way_is_completed_by_a_retry(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster, fresh_name: str
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    proxy.answer(500, where="/serviceaccounts")
    assert await cluster.ensure_namespace(fresh_name, made_for="first")
    with pytest.raises(ClusterUnavailable):
        await cluster.ensure_service_account(fresh_name, "alice")
    proxy.behave()
    assert await cluster.ensure_namespace(fresh_name, made_for="first")
    assert await cluster.ensure_service_account(fresh_name, "alice")


async def test_provisioning_overwrites_nothing(
    proxy: Proxy, proxy_kubeconfig: Path, open_cluster: OpenCluster, fresh_name: str
) -> None:
    cluster = await open_cluster(proxy_kubeconfig)
    for _ in range(2):
        await cluster.ensure_namespace(fresh_name, made_for="first")
        await cluster.ensure_service_account(fresh_name, "alice")
        await cluster.ensure_role_binding(fresh_name, "alice", "edit", key="first")
    assert {passage.method for passage in proxy.passages} == {"POST", "GET"}
