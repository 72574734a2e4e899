"""The role bindings of service accounts, and the removal of those that the portal created.

Role bindings of an approval have its key as a label. Nothing without that label is removed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from cluster.connection import ApiObject, ClusterRefused, Connection, ObjectList

APPROVAL_LABEL = "kubeportal/approval"
_CACHE_LIFETIME = timedelta(seconds=30)
_NOT_FOUND = 404
SubjectKey: TypeAlias = tuple[str, str, str]


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
    labels: dict[str, str] | None = None


class Binding(ApiObject):
    """A RoleBinding, or a ClusterRoleBinding, which has no namespace."""

    metadata: BindingMetadata
    role_ref: RoleReference
    subjects: list[Subject] | None = None

    def __str__(self) -> str:
        role = f"({self.role_ref.kind} {self.role_ref.name})"
        if not self.metadata.namespace:
            return f"ClusterRoleBinding {self.metadata.name} {role}"
        return f"RoleBinding {self.metadata.namespace}/{self.metadata.name} {role}"

    def has_label(self, key: str) -> bool:
        """Whether it is a role binding that the portal created for the approval."""
        labels = self.metadata.labels or {}
        return bool(self.metadata.namespace) and labels.get(APPROVAL_LABEL) == key

    @property
    def subject_keys(self) -> Iterator[SubjectKey]:
        """Kind, namespace and name; only service accounts have a namespace, by default this one."""
        for subject in self.subjects or []:
            is_account = subject.kind == "ServiceAccount"
            namespace = (subject.namespace or self.metadata.namespace) if is_account else ""
            yield subject.kind, namespace, subject.name


class BindingIndex:
    """All bindings of a cluster, by subject."""

    def __init__(self, bindings: Sequence[Binding] = ()) -> None:
        self.bindings = bindings
        self._by_subject: defaultdict[SubjectKey, list[Binding]] = defaultdict(list)
        for binding in bindings:
            for subject in binding.subject_keys:
                self._by_subject[subject].append(binding)

    def of(self, namespace: str, service_account: str) -> list[Binding]:
        """Those that name the account in one of the three ways that Kubernetes knows.

        Groups of all service accounts or all users do not count: they give the account nothing
        that the others don't have.
        """
        return [
            *self._by_subject.get(("ServiceAccount", namespace, service_account), ()),
            *self._by_subject.get(
                ("User", "", f"system:serviceaccount:{namespace}:{service_account}"), ()
            ),
            *self._by_subject.get(("Group", "", f"system:serviceaccounts:{namespace}"), ()),
        ]

    def foreign(self, namespace: str, service_account: str) -> str | None:
        """The first binding that gives the account rights outside its namespace."""
        of_account = self.of(namespace, service_account)
        return next((str(b) for b in of_account if b.metadata.namespace != namespace), None)


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
        self._cached = BindingIndex()
        self._read_at: datetime | None = None

    async def read(self) -> BindingIndex:
        """All bindings, as they were up to 30 seconds ago."""
        async with self._lock:
            now = self._clock()
            if self._read_at is None or now - self._read_at >= _CACHE_LIFETIME:
                self._cached, self._read_at = await self._read(), now
            return self._cached

    async def remove(self, key: str, namespace: str, service_account: str) -> Removal:
        """Deletes the role bindings with this label, in whatever namespace an attempt put them."""
        index = await self._read()
        ours = [binding for binding in index.bindings if binding.has_label(key)]
        for binding in ours:
            await self._delete(binding.metadata)
        of_account = index.of(namespace, service_account)
        return Removal(len(ours), [str(b) for b in of_account if not b.has_label(key)])

    async def _read(self) -> BindingIndex:
        bindings: list[Binding] = []
        for path in (
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            "/apis/rbac.authorization.k8s.io/v1/rolebindings",
        ):
            pages = self._connection.pages(path, ObjectList[Binding], seconds=self._timeout)
            async for page in pages:
                bindings += page
        return BindingIndex(bindings)

    async def _delete(self, binding: BindingMetadata) -> None:
        try:
            await self._connection.call(
                "DELETE",
                "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings/{name}",
                ApiObject,
                seconds=self._timeout,
                names={"namespace": binding.namespace, "name": binding.name},
            )
        except ClusterRefused as error:
            # The namespace may be deleted with all that is in it, or another replica was faster.
            if error.status != _NOT_FOUND:
                raise
