"""Creation of what an approved user needs in the cluster. Existing objects stay unchanged."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from kubernetes.aio.client import (
    RbacV1Subject,
    V1Namespace,
    V1ObjectMeta,
    V1RoleBinding,
    V1RoleRef,
    V1ServiceAccount,
)

from cluster.bindings import APPROVAL_LABEL
from cluster.connection import (
    ApiObject,
    ClusterRefused,
    Connection,
    Method,
    Namespace,
    path_segment,
)

_ALREADY_EXISTS = 409
_RBAC_GROUP = "rbac.authorization.k8s.io"
_MADE_FOR = "kubeportal/made-for"


class Provisioner:
    """Creates objects; `timeout` in seconds is for each call.

    Each `ensure_…` is idempotent. It returns True when it has created the object, and leaves an
    existing one unchanged. Raises ClusterRefused with the server's message, or ClusterUnavailable.
    """

    def __init__(self, connection: Connection, *, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout

    async def ensure_namespace(self, name: str, made_for: str, ours: Collection[str]) -> bool:
        """A namespace that was created earlier for one of `ours` counts as created."""
        annotations = {_MADE_FOR: made_for}
        created = await self._create(
            self._connection.core.create_namespace_without_preload_content,
            body=V1Namespace(metadata=V1ObjectMeta(name=name, annotations=annotations)),
        )
        return created or await self._purpose(name) in {made_for, *ours}

    async def ensure_service_account(self, namespace: str, name: str) -> bool:
        return await self._create(
            self._connection.core.create_namespaced_service_account_without_preload_content,
            namespace=path_segment(namespace),
            body=V1ServiceAccount(metadata=V1ObjectMeta(name=name)),
        )

    async def ensure_role_binding(
        self, namespace: str, service_account: str, cluster_role: str, key: str
    ) -> bool:
        """Bind the cluster role to the account, within its namespace only, with the label."""
        subject = RbacV1Subject(kind="ServiceAccount", name=service_account, namespace=namespace)
        role = V1RoleRef(api_group=_RBAC_GROUP, kind="ClusterRole", name=cluster_role)
        # Neither keys nor account names contain a colon, so no two of these share a binding.
        metadata = V1ObjectMeta(
            name=f"kubeportal:{key}:{service_account}:{cluster_role}",
            labels={APPROVAL_LABEL: key},
        )
        return await self._create(
            self._connection.rbac.create_namespaced_role_binding_without_preload_content,
            namespace=path_segment(namespace),
            body=V1RoleBinding(metadata=metadata, role_ref=role, subjects=[subject]),
        )

    async def _purpose(self, name: str) -> str | None:
        namespace = await self._connection.call(
            self._connection.core.read_namespace_without_preload_content,
            Namespace,
            seconds=self._timeout,
            name=path_segment(name),
        )
        return (namespace.metadata.annotations or {}).get(_MADE_FOR)

    async def _create(self, method: Method, **arguments: Any) -> bool:
        try:
            await self._connection.call(method, ApiObject, seconds=self._timeout, **arguments)
        except ClusterRefused as error:
            if error.status == _ALREADY_EXISTS:
                return False
            raise
        return True
