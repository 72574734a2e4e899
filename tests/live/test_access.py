"""Access is approved, and namespace and account are there: against a real API server."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from kubernetes import client, config
from kubernetes.client import ApiClient, AuthorizationV1Api, CoreV1Api, RbacAuthorizationV1Api

from cluster.cluster import Clusters, load_clusters
from models import AccessState, User
from portal.settings import Settings
from tests.callers import Caller, People
from tests.cluster.proxy import Proxy, kubeconfig_of, open_proxy
from tests.schema.access.calls import APPROVE, REVOKE, VIEWER, asked, done, refusal
from tests.testbed import ClusterTestbed


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"namespace_clusterroles": ("view",)})


@pytest.fixture
async def proxy(testbed: ClusterTestbed) -> AsyncIterator[Proxy]:
    async with open_proxy(testbed.kubeconfig) as proxy:
        yield proxy


@pytest.fixture
async def clusters(testbed: ClusterTestbed, proxy: Proxy, tmp_path: Path) -> Clusters:
    """The real cluster is the default one; `halting` is the same through the proxy."""
    path = tmp_path / "proxy.kubeconfig"
    path.write_text(kubeconfig_of(proxy.url, "halting"))
    direct = await load_clusters(kubeconfig=str(testbed.kubeconfig), environ={})
    halting = await load_clusters(kubeconfig=str(path), environ={})
    return Clusters([*direct, *halting])


@pytest.fixture
def witness(testbed: ClusterTestbed) -> Iterator[ApiClient]:
    settings = client.Configuration()
    config.load_kube_config(str(testbed.kubeconfig), client_configuration=settings)
    with ApiClient(settings) as api:
        yield api


@pytest.fixture
def namespace() -> str:
    return f"team-{secrets.token_hex(4)}"


def allowed(witness: ApiClient, token: str, namespace: str) -> bool:
    """Whether who bears the token may list pods there."""
    settings = client.Configuration()
    settings.host = witness.configuration.host
    settings.ssl_ca_cert = witness.configuration.ssl_ca_cert
    settings.api_key = {"authorization": f"Bearer {token}"}
    attributes = client.V1ResourceAttributes(verb="list", resource="pods", namespace=namespace)
    review = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
    )
    with ApiClient(settings) as api:
        answer = AuthorizationV1Api(api).create_self_subject_access_review(review)
    return bool(api.sanitize_for_serialization(answer)["status"]["allowed"])


async def test_approval_creates_namespace_and_role(
    bob: Caller, admin: Caller, people: People, witness: ApiClient, namespace: str
) -> None:
    await asked(bob)
    await done(admin, APPROVE, databaseId=people.bob.id, namespace=namespace)
    assert CoreV1Api(witness).read_namespaced_service_account("bob", namespace)
    viewer = "{ viewer { serviceAccount { token { value } } } }"
    token = (await bob.data(viewer))["viewer"]["serviceAccount"]["token"]["value"]
    assert allowed(witness, token, namespace)
    assert not allowed(witness, token, "default")
    await done(admin, REVOKE, databaseId=people.bob.id)
    assert (await bob.data(VIEWER))["viewer"]["serviceAccount"] is None
    assert CoreV1Api(witness).read_namespaced_service_account("bob", namespace)


async def test_an_existing_namespace_is_not_changed(
    bob: Caller, admin: Caller, people: People, witness: ApiClient, namespace: str
) -> None:
    core = CoreV1Api(witness)
    before = core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=namespace)))
    await asked(bob)
    await done(admin, APPROVE, databaseId=people.bob.id, namespace=namespace)
    after = witness.sanitize_for_serialization(core.read_namespace(namespace))
    assert after["metadata"]["uid"] == witness.sanitize_for_serialization(before)["metadata"]["uid"]
    assert "annotations" not in after["metadata"]
    bindings = RbacAuthorizationV1Api(witness).list_namespaced_role_binding(namespace)
    assert bindings.items == []


@pytest.mark.parametrize("name", ["Team", "team_a", "-team", "x" * 64, "a/b", ""])
async def test_invalid_kubernetes_name_is_explained(
    bob: Caller, admin: Caller, people: People, name: str
) -> None:
    await asked(bob)
    code, field, message = await refusal(admin, APPROVE, databaseId=people.bob.id, namespace=name)
    assert (code, field) == ("BAD_USER_INPUT", "namespace")
    assert len(message) > 20
    assert (await User.get(id=people.bob.id)).access_state is AccessState.REQUESTED


@pytest.mark.parametrize("step", ["/namespaces", "/serviceaccounts", "/rolebindings"])
async def test_failed_provisioning_can_be_retried(
    bob: Caller,
    admin: Caller,
    people: People,
    witness: ApiClient,
    proxy: Proxy,
    namespace: str,
    step: str,
) -> None:
    await asked(bob)
    terms = {"databaseId": people.bob.id, "namespace": namespace, "cluster": "halting"}
    proxy.answer(500, where=step)
    code, *_ = await refusal(admin, APPROVE, **terms)
    assert code == "UNAVAILABLE"
    viewer = (await bob.data(VIEWER))["viewer"]
    assert (viewer["accessState"], viewer["serviceAccount"]) == ("REQUESTED", None)
    proxy.behave()
    await done(admin, APPROVE, **terms)
    rbac = RbacAuthorizationV1Api(witness)
    [binding] = rbac.list_namespaced_role_binding(namespace).items
    [subject] = binding.subjects or []
    assert (binding.role_ref.name, subject.name) == ("view", "bob")
    assert "DELETE" not in {passage.method for passage in proxy.passages}


async def test_approval_without_cluster_can_be_retried(
    bob: Caller, admin: Caller, people: People, testbed: ClusterTestbed, namespace: str
) -> None:
    await asked(bob)
    testbed.stop()
    try:
        code, *_ = await refusal(admin, APPROVE, databaseId=people.bob.id, namespace=namespace)
        assert code == "UNAVAILABLE"
        assert (await bob.data(VIEWER))["viewer"]["accessState"] == "REQUESTED"
    finally:
        testbed.start()
    await done(admin, APPROVE, databaseId=people.bob.id, namespace=namespace)
    assert (await bob.data(VIEWER))["viewer"]["accessState"] == "APPROVED"
