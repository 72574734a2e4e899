"""The portal and a real API server: facts and tokens are what Kubernetes says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from kubernetes import client, config
from kubernetes.client import ApiClient, AuthenticationV1Api, CoreV1Api, VersionApi
from kubernetes.utils.quantity import parse_quantity

from cluster.cluster import Clusters, load_clusters
from tests.callers import Caller, People
from tests.testbed import ClusterTestbed

INTERVAL = 0.5
SLUGS = (
    "portal_user_count",
    "portal_version",
    "k8s_version",
    "k8s_node_count",
    "k8s_cpu_count",
    "k8s_mem_sum",
    "k8s_pod_count",
    "k8s_volume_count",
    "k8s_apiserver_url",
    "k8s_cluster_name",
)


@pytest.fixture
async def clusters(testbed: ClusterTestbed) -> Clusters:
    testbed.seed(nodes=3, pods=20, volumes=5)
    return await load_clusters(
        kubeconfig=str(testbed.kubeconfig), facts_interval=timedelta(seconds=INTERVAL), environ={}
    )


@pytest.fixture
def witness(testbed: ClusterTestbed) -> Iterator[ApiClient]:
    settings = client.Configuration()
    config.load_kube_config(str(testbed.kubeconfig), client_configuration=settings)
    with ApiClient(settings) as api:
        yield api


def capacities(witness: ApiClient) -> list[dict[str, str]]:
    nodes = witness.sanitize_for_serialization(CoreV1Api(witness).list_node())
    return [node["status"]["capacity"] for node in nodes["items"]]


async def test_slugs_match_the_api_server(
    alice: Caller, people: People, witness: ApiClient
) -> None:
    answers = {}
    for slug in SLUGS:
        response = await alice.rest("GET", f"/cluster/{slug}/")
        assert response.status_code == 200
        answers.update(response.json())
    core, nodes = CoreV1Api(witness), capacities(witness)
    cpus = sum((parse_quantity(node["cpu"]) for node in nodes), Decimal(0))
    memory = sum((parse_quantity(node["memory"]) for node in nodes), Decimal(0))
    assert answers == {
        "portal_user_count": 4,
        "portal_version": (await alice.rest("GET", "/")).json()["portal_version"],
        "k8s_version": VersionApi(witness).get_code().git_version,
        "k8s_node_count": len(nodes),
        "k8s_cpu_count": pytest.approx(float(cpus)),
        "k8s_mem_sum": pytest.approx(float(memory / 1024 / 1_000_000)),
        "k8s_pod_count": len(core.list_pod_for_all_namespaces().items),
        "k8s_volume_count": len(core.list_persistent_volume().items),
        "k8s_apiserver_url": witness.configuration.host,
        "k8s_cluster_name": "KubePortal",
    }


async def test_graphql_facts_match_the_api_server(alice: Caller, witness: ApiClient) -> None:
    query = "{ cluster { memoryBytes memory(unit: KIBIBYTE) reachable observedAt } }"
    facts = (await alice.data(query))["cluster"]
    memory = sum((parse_quantity(node["memory"]) for node in capacities(witness)), Decimal(0))
    assert facts["memoryBytes"] == int(memory)
    assert facts["memory"] == pytest.approx(float(memory) / 1024)
    assert facts["reachable"]
    assert facts["observedAt"]


async def test_token_authenticates_as_service_account(
    alice: Caller, people: People, witness: ApiClient
) -> None:
    user = (await alice.rest("GET", f"/users/{people.alice.id}/")).json()
    review = client.V1TokenReview(spec=client.V1TokenReviewSpec(token=user["k8s_token"]))
    status = AuthenticationV1Api(witness).create_token_review(review).status
    assert status is not None
    assert status.authenticated
    assert status.user is not None
    assert status.user.username == "system:serviceaccount:team-alice:alice"


async def test_token_is_for_its_owner(admin: Caller, bob: Caller, people: People) -> None:
    query = """query ($id: Int!) { admin { user(databaseId: $id) {
      serviceAccount { qualifiedName token { value } } } } }"""
    answer = await admin.graphql(query, id=people.alice.id)
    account = answer["data"]["admin"]["user"]["serviceAccount"]
    assert account == {"qualifiedName": "team-alice:alice", "token": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert (await bob.rest("GET", f"/users/{people.bob.id}/")).json()["k8s_token"] is None


async def test_profile_page_survives_cluster_down(
    alice: Caller, people: People, testbed: ClusterTestbed
) -> None:
    before = (await alice.rest("GET", "/cluster/k8s_pod_count/")).json()
    for outage, recovery in ((testbed.stop, testbed.start), (testbed.freeze, testbed.thaw)):
        outage()
        try:
            profile = await alice.rest("GET", f"/users/{people.alice.id}/")
            assert profile.status_code == 200
            assert profile.json()["k8s_namespace"] == "team-alice"
            assert (await alice.rest("GET", "/cluster/k8s_pod_count/")).json() == before
            await becomes(alice, reachable=False)
            assert (await alice.rest("GET", "/cluster/k8s_pod_count/")).json() == before
            ready = (await alice.client.get("/readyz")).json()
            assert ready["status"] == "ok"
            assert [cluster["reachable"] for cluster in ready["clusters"].values()] == [False]
        finally:
            recovery()
        await becomes(alice, reachable=True)
        profile = await alice.rest("GET", f"/users/{people.alice.id}/")
        assert profile.json()["k8s_token"]


async def becomes(caller: Caller, *, reachable: bool) -> None:
    for _ in range(40):
        facts = await caller.data("{ cluster { reachable } }")
        if facts["cluster"]["reachable"] == reachable:
            return
        await asyncio.sleep(INTERVAL / 2)
    pytest.fail(f"the cluster did not become reachable={reachable}")
