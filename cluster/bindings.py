"""The role bindings of service accounts, and the removal of those that the portal created.

Role bindings of an approval have its key as a label. Nothing without that label is removed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cluster.connection import (
    ApiObject,
    ClusterRefused,
    Connection,
    ListMetadata,
    Method,
    path_segment,
)

APPROVAL_LABEL = "kubeportal/approval"
_PAGE = 500
_CACHE_LIFETIME = timedelta(seconds=30)
_NOT_FOUND = 404


class Subject(ApiObject):
    kind: str
    name: str
    namespace: str = ""


class RoleReference(ApiObject):
    kind: str
    name: str


class BindingMetadata(ApiObject):
    name: str
    namespace: str = ""
    labels: dict[str, str] = {}


class Binding(ApiObject):
    """A RoleBinding, or a ClusterRoleBinding, which has no namespace."""

    metadata: BindingMetadata
    role_ref: RoleReference
    subjects: list[Subject] = []

    def __str__(self) -> str:
        role = f"({self.role_ref.kind} {self.role_ref.name})"
        if not self.metadata.namespace:
            return f"ClusterRoleBinding {self.metadata.name} {role}"
        return f"RoleBinding {self.metadata.namespace}/{self.metadata.name} {role}"

    def has_subject(self, namespace: str, service_account: str) -> bool:
        """Whether the account is named in one of the three ways that Kubernetes knows.

        Groups of all service accounts or all users do not count: they give the account nothing
        that the others don't have.
        """
        names = {
            ("ServiceAccount", namespace, service_account),
            ("User", "", f"system:serviceaccount:{namespace}:{service_account}"),
            ("Group", "", f"system:serviceaccounts:{namespace}"),
        }
        return any((each.kind, each.namespace, each.name) in names for each in self.subjects)


class BindingList(ApiObject):
    metadata: ListMetadata
    items: list[Binding] | None


@dataclass(frozen=True, slots=True)
class Removal:
    """removed: the number of removed role bindings. remaining: other bindings of the account."""

    removed: int
    remaining: Sequence[str]


class Bindings:
    """All bindings of one cluster. `timeout` in seconds is for each call.

    Every method raises ClusterUnavailable, or ClusterRefused with the server's message.
    """

    def __init__(
        self, connection: Connection, *, timeout: float, clock: Callable[[], datetime]
    ) -> None:
        self._connection = connection
        self._timeout = timeout
        self._clock = clock
        self._lock = asyncio.Lock()
        self._cached: Sequence[Binding] = ()
        self._read_at: datetime | None = None

    async def foreign(self, namespace: str, service_account: str) -> str | None:
        """The first binding that gives the account rights outside its namespace.

        The list of bindings is up to 30 seconds old.
        """
        async with self._lock:
            now = self._clock()
            if self._read_at is None or now - self._read_at >= _CACHE_LIFETIME:
                self._cached, self._read_at = await self._read(), now
        for binding in self._cached:
            is_elsewhere = binding.metadata.namespace != namespace
            if is_elsewhere and binding.has_subject(namespace, service_account):
                return str(binding)
        return None

    async def remove(self, key: str, namespace: str, service_account: str) -> Removal:
        """Deletes the role bindings with this label, in whatever namespace an attempt put them."""
        removed = 0
        remaining = []
        for binding in await self._read():
            is_ours = binding.metadata.labels.get(APPROVAL_LABEL) == key
            if is_ours and binding.metadata.namespace:
                await self._delete(binding.metadata)
                removed += 1
            elif binding.has_subject(namespace, service_account):
                remaining.append(str(binding))
        return Removal(removed, remaining)

    async def _read(self) -> list[Binding]:
        rbac = self._connection.rbac
        return [
            *await self._read_pages(rbac.list_cluster_role_binding_without_preload_content),
            *await self._read_pages(
                rbac.list_role_binding_for_all_namespaces_without_preload_content
            ),
        ]

    async def _read_pages(self, method: Method) -> list[Binding]:
        found: list[Binding] = []
        position = None
        while True:
            page = await self._connection.call(
                method, BindingList, seconds=self._timeout, limit=_PAGE, _continue=position
            )
            found += page.items or []
            position = page.metadata.continue_token
            if not position:
                return found

    async def _delete(self, binding: BindingMetadata) -> None:
        try:
            await self._connection.call(
                self._connection.rbac.delete_namespaced_role_binding_without_preload_content,
                ApiObject,
                seconds=self._timeout,
                name=path_segment(binding.name),
                namespace=path_segment(binding.namespace),
            )
        except ClusterRefused as error:
            # The namespace may be deleted with all that is in it, or another replica was faster.
            if error.status != _NOT_FOUND:
                raise
