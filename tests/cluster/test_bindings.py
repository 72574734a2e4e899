"""Which bindings a service account has, and the removal of those that the portal created."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from cluster.cluster import Cluster
from tests.callers import Clock
from tests.cluster.conftest import OpenCluster
from tests.testbed import ClusterTestbed

RBAC = "rbac.authorization.k8s.io"
Bind = Callable[..., None]


@pytest.fixture
async def cluster(testbed: ClusterTestbed, open_cluster: OpenCluster, clock: Clock) -> Cluster:
    return await open_cluster(testbed.kubeconfig, clock=clock)


@pytest.fixture
def bind(admin: client.ApiClient, fresh_name: str) -> Iterator[Bind]:
    """Binds a subject to the cluster role `view`, everywhere or in a namespace."""
    rbac = client.RbacAuthorizationV1Api(admin)

    def create(kind: str, name: str, owner: str | None, *, within: str | None = None) -> None:
        parts: dict[str, Any] = {
            "metadata": client.V1ObjectMeta(name=fresh_name),
            "role_ref": client.V1RoleRef(api_group=RBAC, kind="ClusterRole", name="view"),
            "subjects": [client.RbacV1Subject(kind=kind, name=name, namespace=owner)],
        }
        if within:
            rbac.create_namespaced_role_binding(within, client.V1RoleBinding(**parts))
        else:
            rbac.create_cluster_role_binding(client.V1ClusterRoleBinding(**parts))

    yield create
    with suppress(ApiException):
        rbac.delete_cluster_role_binding(fresh_name)
    with suppress(ApiException):
        rbac.delete_namespaced_role_binding(fresh_name, "default")


async def test_removal_deletes_only_its_role_bindings(
    cluster: Cluster, admin: client.ApiClient, fresh_name: str
) -> None:
    await cluster.ensure_namespace(fresh_name, made_for="first")
    await cluster.ensure_service_account(fresh_name, "alice")
    for role, key in (("edit", fresh_name), ("view", fresh_name), ("view", "second")):
        await cluster.ensure_role_binding(fresh_name, "alice", role, key=key)
    await cluster.ensure_role_binding(fresh_name, "bob", "view", key="third")
    removal = await cluster.remove_role_bindings(fresh_name, fresh_name, "alice")
    assert removal.removed == 2
    name = f"RoleBinding {fresh_name}/kubeportal:second:alice:view (ClusterRole view)"
    assert removal.remaining == [name]
    again = await cluster.remove_role_bindings(fresh_name, fresh_name, "alice")
    assert (again.removed, again.remaining) == (0, [name])
    bindings = client.RbacAuthorizationV1Api(admin).list_namespaced_role_binding(fresh_name).items
    assert len(bindings) == 2
    assert client.CoreV1Api(admin).read_namespaced_service_account("alice", fresh_name)


async def test_removal_in_a_missing_namespace_is_done(cluster: Cluster, fresh_name: str) -> None:
    removal = await cluster.remove_role_bindings("first", fresh_name, "alice")
    assert (removal.removed, removal.remaining) == (0, [])


@pytest.mark.parametrize(
    ("kind", "name", "owner"),
    [
        ("ServiceAccount", "alice", "{}"),
        ("User", "system:serviceaccount:{}:alice", None),
        ("Group", "system:serviceaccounts:{}", None),
    ],
)
async def test_every_kind_of_subject_is_found(
    cluster: Cluster, bind: Bind, fresh_name: str, kind: str, name: str, owner: str | None
) -> None:
    bind(kind, name.format(fresh_name), owner and owner.format(fresh_name))
    binding = await cluster.foreign_binding(fresh_name, "alice")
    assert binding == f"ClusterRoleBinding {fresh_name} (ClusterRole view)"


async def test_binding_in_another_namespace_is_foreign(
    cluster: Cluster, bind: Bind, fresh_name: str
) -> None:
    bind("ServiceAccount", "alice", fresh_name, within="default")
    binding = await cluster.foreign_binding(fresh_name, "alice")
    assert binding == f"RoleBinding default/{fresh_name} (ClusterRole view)"
    assert await cluster.foreign_binding(fresh_name, "bob") is None


async def test_own_namespace_and_groups_of_all_are_not_foreign(
    cluster: Cluster, bind: Bind, fresh_name: str
) -> None:
    await cluster.ensure_namespace(fresh_name, made_for="first")
    bind("ServiceAccount", "alice", fresh_name, within=fresh_name)
    bind("Group", "system:serviceaccounts", None)
    assert await cluster.foreign_binding(fresh_name, "alice") is None


async def test_list_of_bindings_is_cached_for_30_seconds(
    cluster: Cluster, bind: Bind, fresh_name: str, clock: Clock
) -> None:
    assert await cluster.foreign_binding(fresh_name, "alice") is None
    bind("ServiceAccount", "alice", fresh_name)
    clock.advance(seconds=29)
    assert await cluster.foreign_binding(fresh_name, "alice") is None
    clock.advance(seconds=1)
    assert await cluster.foreign_binding(fresh_name, "alice")
