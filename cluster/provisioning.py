"""Creation of what an approved user needs in the cluster. Existing objects stay unchanged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cluster.bindings import APPROVAL_LABEL
from cluster.connection import ApiObject, ClusterRefused, Connection, Namespace

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
        metadata = {"name": name, "annotations": {_MADE_FOR: made_for}}
        created = await self._create("/api/v1/namespaces", {"metadata": metadata})
        return created or await self._purpose(name) in {made_for, *ours}

    async def ensure_service_account(self, namespace: str, name: str) -> bool:
        return await self._create(
            "/api/v1/namespaces/{namespace}/serviceaccounts",
            {"metadata": {"name": name}},
            names={"namespace": namespace},
        )

    async def ensure_role_binding(
        self, namespace: str, service_account: str, cluster_role: str, key: str
    ) -> bool:
        """Bind the cluster role to the account, within its namespace only, with the label."""
        # Neither keys nor account names contain a colon, so no two of these share a binding.
        name = f"kubeportal:{key}:{service_account}:{cluster_role}"
        subject = {"kind": "ServiceAccount", "name": service_account, "namespace": namespace}
        return await self._create(
            "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
            {
                "metadata": {"name": name, "labels": {APPROVAL_LABEL: key}},
                "roleRef": {"apiGroup": _RBAC_GROUP, "kind": "ClusterRole", "name": cluster_role},
                "subjects": [subject],
            },
            names={"namespace": namespace},
        )

    async def _purpose(self, name: str) -> str | None:
        namespace = await self._connection.call(
            "GET",
            "/api/v1/namespaces/{name}",
            Namespace,
            seconds=self._timeout,
            names={"name": name},
        )
        return (namespace.metadata.annotations or {}).get(_MADE_FOR)

    async def _create(
        self, path: str, body: Mapping[str, Any], *, names: Mapping[str, str] | None = None
    ) -> bool:
        try:
            await self._connection.call(
                "POST", path, ApiObject, seconds=self._timeout, names=names, body=body
            )
        except ClusterRefused as error:
            if error.status == _ALREADY_EXISTS:
                return False
            raise
        return True
