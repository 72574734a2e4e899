"""The portal's own service account may do what the portal does, and needs every right it has."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, utils
from kubernetes.client.exceptions import ApiException

from cluster.cluster import Cluster
from cluster.connection import ClusterError, ClusterRefused
from tests.cluster.conftest import OpenCluster
from tests.cluster.legacy import NO_TOKEN_REQUEST, put_account
from tests.cluster.proxy import Proxy, kubeconfig_of, open_proxy
from tests.cluster.waiting import until
from tests.testbed import ClusterTestbed

MANIFEST = Path(__file__).resolve().parents[2] / "deploy" / "rbac.yaml"
HOUR = timedelta(hours=1)

Rule = dict[str, Any]


def documents(name: str) -> list[dict[str, Any]]:
    """The manifest, with another name for all that it makes."""
    return list(yaml.safe_load_all(MANIFEST.read_text().replace("kubeportal", name)))


def rights(role: str) -> list[Rule]:
    """One rule for each verb on each resource: the least that can be taken away."""
    (rules,) = [
        document["rules"]
        for document in documents("kubeportal")
        if document["kind"] == "ClusterRole" and document["metadata"]["name"] == role
    ]
    return [
        rule | {"resources": [resource], "verbs": [verb]}
        for rule in rules
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def renamed(right: Rule, name: str) -> Rule:
    """The rule for the cluster roles of a manifest of that name."""
    roles = right.get("resourceNames")
    names = {"resourceNames": [role.replace("kubeportal", name) for role in roles]} if roles else {}
    return right | names


def title(right: Rule) -> str:
    return f"{right['verbs'][0]} {right['resources'][0]}"


RIGHTS = rights("kubeportal")
SECRET_RIGHTS = rights("kubeportal-token-secrets")
NEEDED_FOR = {
    "list nodes": {"node facts"},
    "list pods": {"pod facts"},
    "list persistentvolumes": {"volume facts"},
    "create namespaces": {"namespace", "retry"},
    "get namespaces": {"retry"},
    "create serviceaccounts": {"service account"},
    "get serviceaccounts": {"unknown account"},
    "create serviceaccounts/token": {"token", "unknown account"},
    "create rolebindings": {"role binding"},
    "list rolebindings": {"removal", "privileges", "token"},
    "delete rolebindings": {"removal"},
    "list clusterrolebindings": {"removal", "privileges", "token"},
    "bind clusterroles": {"role binding"},
}


async def working_features(cluster: Cluster, name: str, prepared: str, new: str) -> set[str]:
    """Which features work; namespace `prepared` has an account `alice`, `new` is free."""

    async def unknown_account() -> bool:
        try:
            await cluster.issue_token(prepared, "nobody", lifetime=HOUR)
        except ClusterRefused as refusal:
            return refusal.status == 404
        return False

    await cluster.start()
    facts = cluster.facts
    works = {
        "node facts": facts.node_count is not None,
        "pod facts": facts.pod_count is not None,
        "volume facts": facts.volume_count is not None,
        "namespace": await succeeds(cluster.ensure_namespace(new, made_for="alice")),
        "retry": await succeeds(cluster.ensure_namespace(new, made_for="alice")),
        "service account": await succeeds(cluster.ensure_service_account(prepared, "bob")),
        "role binding": await succeeds(
            cluster.ensure_role_binding(prepared, "alice", f"{name}-user", key=new)
        ),
        "removal": await succeeds(cluster.remove_role_bindings(new, prepared, "alice")),
        "privileges": await succeeds(cluster.foreign_binding(prepared, "alice")),
        "token": await succeeds(cluster.issue_token(prepared, "alice", lifetime=HOUR)),
        "unknown account": await unknown_account(),
    }
    return {feature for feature, does_work in works.items() if does_work}


async def succeeds(call: Awaitable[object]) -> bool:
    try:
        await call
    except ClusterError:
        return False
    return True


def is_allowed(api: client.ApiClient, account: str, right: Rule) -> bool:
    """Whether the account in the namespace of the same name has the right by now."""
    resource, _, subresource = right["resources"][0].partition("/")
    attributes = client.V1ResourceAttributes(
        group=right["apiGroups"][0],
        resource=resource,
        subresource=subresource,
        verb=right["verbs"][0],
        name=right.get("resourceNames", [None])[0],
    )
    review = client.V1SubjectAccessReview(
        spec=client.V1SubjectAccessReviewSpec(
            user=f"system:serviceaccount:{account}:{account}", resource_attributes=attributes
        )
    )
    answer = client.AuthorizationV1Api(api).create_subject_access_review(review)
    return bool(answer.status and answer.status.allowed)


def apply_manifest(api: client.ApiClient, name: str, granted: list[Rule]) -> None:
    for document in documents(name):
        if document["kind"] == "ClusterRole" and document["metadata"]["name"] == name:
            document["rules"] = granted
        utils.create_from_dict(api, document)


def remove_cluster_wide(api: client.ApiClient, name: str) -> None:
    rbac = client.RbacAuthorizationV1Api(api)
    rbac.delete_cluster_role_binding(name)
    rbac.delete_cluster_role(name)
    rbac.delete_cluster_role(f"{name}-token-secrets")
    rbac.delete_cluster_role(f"{name}-user")


def token_of(api: client.ApiClient, account: str) -> str:
    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
    answer = client.CoreV1Api(api).create_namespaced_service_account_token(
        account, account, request
    )
    assert answer.status is not None
    return str(answer.status.token)


OpenPortal = Callable[[list[Rule]], Awaitable[tuple[Cluster, Proxy]]]


@pytest.fixture
async def open_portal(
    testbed: ClusterTestbed,
    admin: client.ApiClient,
    open_cluster: OpenCluster,
    fresh_name: str,
    tmp_path: Path,
) -> AsyncIterator[OpenPortal]:
    """The portal's side of a cluster, running with its own account and the given rights."""
    async with AsyncExitStack() as stack:

        async def run(granted: list[Rule]) -> tuple[Cluster, Proxy]:
            stack.callback(remove_cluster_wide, admin, fresh_name)
            granted = [renamed(right, fresh_name) for right in granted]
            apply_manifest(admin, fresh_name, granted)
            for right in granted:
                await until(partial(is_allowed, admin, fresh_name, right))
            door = open_proxy(testbed.kubeconfig, token=token_of(admin, fresh_name))
            proxy = await stack.enter_async_context(door)
            kubeconfig = tmp_path / "portal"
            kubeconfig.write_text(kubeconfig_of(proxy.url))
            return await open_cluster(kubeconfig), proxy

        yield run


@pytest.fixture
def prepared(admin: client.ApiClient, fresh_name: str) -> Iterator[str]:
    """A namespace with an account `alice`, made by the administrator."""
    core = client.CoreV1Api(admin)
    name = f"{fresh_name}-prepared"
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    core.create_namespaced_service_account(
        name, client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="alice"))
    )
    yield name
    core.delete_namespace(name)


def test_table_lists_the_permissions_of_the_manifest() -> None:
    assert sorted(map(title, RIGHTS)) == sorted(NEEDED_FOR)
    assert list(map(title, SECRET_RIGHTS)) == ["get secrets"]


@pytest.fixture
def new_namespace(admin: client.ApiClient, fresh_name: str) -> Iterator[str]:
    name = f"{fresh_name}-new"
    yield name
    with suppress(ApiException):
        client.CoreV1Api(admin).delete_namespace(name)


async def test_manifest_is_sufficient(
    open_portal: OpenPortal, fresh_name: str, prepared: str, new_namespace: str
) -> None:
    cluster, _ = await open_portal(RIGHTS)
    works = await working_features(cluster, fresh_name, prepared, new_namespace)
    assert works == set().union(*NEEDED_FOR.values())


@pytest.mark.parametrize("right", RIGHTS, ids=title)
async def test_each_permission_is_necessary(
    open_portal: OpenPortal, fresh_name: str, prepared: str, new_namespace: str, right: Rule
) -> None:
    cluster, _ = await open_portal([one for one in RIGHTS if one != right])
    works = await working_features(cluster, fresh_name, prepared, new_namespace)
    assert set().union(*NEEDED_FOR.values()) - works == NEEDED_FOR[title(right)]


def test_role_for_users_is_edit_without_other_identities(admin: client.ApiClient) -> None:
    edit = client.RbacAuthorizationV1Api(admin).read_cluster_role("edit")
    allowed = {
        (group, resource, verb)
        for rule in edit.rules or []
        for group in rule.api_groups or []
        for resource in rule.resources or []
        for verb in rule.verbs
    }
    granted = {
        (right["apiGroups"][0], right["resources"][0], right["verbs"][0])
        for right in rights("kubeportal-user")
    }
    assert granted <= allowed
    assert ("", "serviceaccounts", "impersonate") not in granted
    assert ("", "serviceaccounts/token", "create") not in granted
    deprecated = {("", "endpoints", verb) for _, _, verb in allowed}
    left_out = {each for each in allowed - granted - deprecated if each[0] != "extensions"}
    assert left_out <= {
        ("", "serviceaccounts", "impersonate"),
        ("", "serviceaccounts/token", "create"),
        ("", "pods/eviction", "create"),
        *(("discovery.k8s.io", "endpointslices", verb) for verb in ("get", "list", "watch")),
    }


async def test_other_cluster_roles_are_not_bound(open_portal: OpenPortal, prepared: str) -> None:
    cluster, _ = await open_portal(RIGHTS)
    with pytest.raises(ClusterRefused) as refusal:
        await cluster.ensure_role_binding(prepared, "alice", "cluster-admin", key="first")
    assert refusal.value.status == 403


@pytest.mark.parametrize("may_read_secrets", [True, False])
async def test_token_secrets_need_their_role(
    open_portal: OpenPortal, admin: client.ApiClient, prepared: str, may_read_secrets: bool
) -> None:
    await put_account(admin, prepared, "carol")
    cluster, proxy = await open_portal(RIGHTS + (SECRET_RIGHTS if may_read_secrets else []))
    proxy.answer(404, NO_TOKEN_REQUEST, where="/token")
    gets_token = await succeeds(cluster.issue_token(prepared, "carol", lifetime=HOUR))
    assert gets_token is may_read_secrets
