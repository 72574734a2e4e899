"""What an approved user needs in the cluster; creates what is missing, deletes nothing."""

from typing import Any

from kubernetes.aio.client import (
    RbacV1Subject,
    V1Namespace,
    V1ObjectMeta,
    V1RoleBinding,
    V1RoleRef,
    V1ServiceAccount,
)

from cluster.connection import Answer, Caller, ClusterRefused, Method, Namespace, path_segment

_ALREADY_EXISTS = 409
_RBAC_GROUP = "rbac.authorization.k8s.io"
_MADE_FOR = "kubeportal/made-for"


class Provisioner:
    """Each `ensure_…` may be repeated.

    They return True when the object was created now, and take an existing one as it is.
    They raise ClusterRefused with the server's words, or ClusterUnavailable.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def ensure_namespace(self, name: str, made_for: str | None = None) -> bool:
        """With `made_for`, a namespace that was created for the same purpose counts as created."""
        annotations = {_MADE_FOR: made_for} if made_for else None
        created = await self._create(
            self._caller.core.create_namespace_without_preload_content,
            body=V1Namespace(metadata=V1ObjectMeta(name=name, annotations=annotations)),
        )
        return created or (made_for is not None and await self._purpose(name) == made_for)

    async def ensure_service_account(self, namespace: str, name: str) -> bool:
        return await self._create(
            self._caller.core.create_namespaced_service_account_without_preload_content,
            namespace=path_segment(namespace),
            body=V1ServiceAccount(metadata=V1ObjectMeta(name=name)),
        )

    async def ensure_role_binding(
        self, namespace: str, service_account: str, cluster_role: str
    ) -> bool:
        """Lets the account do in its namespace what the cluster role says."""
        subject = RbacV1Subject(kind="ServiceAccount", name=service_account, namespace=namespace)
        role = V1RoleRef(api_group=_RBAC_GROUP, kind="ClusterRole", name=cluster_role)
        # No account name holds a colon, so different pairs never share a binding.
        name = f"kubeportal:{service_account}:{cluster_role}"
        return await self._create(
            self._caller.rbac.create_namespaced_role_binding_without_preload_content,
            namespace=path_segment(namespace),
            body=V1RoleBinding(metadata=V1ObjectMeta(name=name), role_ref=role, subjects=[subject]),
        )

    async def _purpose(self, namespace: str) -> str | None:
        found = await self._caller.call(
            self._caller.core.read_namespace_without_preload_content,
            Namespace,
            name=path_segment(namespace),
        )
        return (found.metadata.annotations or {}).get(_MADE_FOR)

    async def _create(self, method: Method, **arguments: Any) -> bool:
        try:
            await self._caller.call(method, Answer, **arguments)
        except ClusterRefused as refusal:
            if refusal.status == _ALREADY_EXISTS:
                return False
            raise
        return True
