"""A cluster in which things can be made, and which can fail at it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from cluster.bindings import Removal
from cluster.connection import ClusterError
from tests.stand_in import StandIn


class Provisioned(StandIn):
    """`failures` are raised at a step: `namespace`, `account`, `binding`,
    `check` or `removal`.

    keys: the approvals' keys by binding. others: the bindings that others created.
    foreign: the bindings outside their namespaces, by account.

    `lost_answers` are steps that are done although they fail. With a `barrier`, those who make
    namespaces wait for each other.
    """

    def __init__(self, name: str = "main") -> None:
        super().__init__(name)
        self.namespaces: dict[str, str | None] = {}
        self.accounts: set[tuple[str, str]] = set()
        self.bindings: set[tuple[str, str, str]] = set()
        self.keys: dict[tuple[str, str, str], str] = {}
        self.others: list[str] = []
        self.foreign: dict[tuple[str, str], str] = {}
        self.failures: dict[str, ClusterError] = {}
        self.lost_answers = False
        self.barrier: asyncio.Barrier | None = None

    async def foreign_binding(self, namespace: str, account: str) -> str | None:
        self._fail_after("check")
        return self.foreign.get((namespace, account))

    async def ensure_namespace(
        self, name: str, *, made_for: str, ours: Collection[str] = ()
    ) -> bool:
        if self.barrier:
            await self.barrier.wait()
        self._fail_before("namespace")
        purpose = self.namespaces.setdefault(name, made_for)
        self._fail_after("namespace")
        return purpose in {made_for, *ours}

    async def ensure_service_account(self, namespace: str, name: str) -> bool:
        self._fail_before("account")
        is_new = (namespace, name) not in self.accounts
        self.accounts.add((namespace, name))
        self._fail_after("account")
        return is_new

    async def ensure_role_binding(
        self, namespace: str, account: str, role: str, *, key: str
    ) -> bool:
        self._fail_before("binding")
        binding = (namespace, account, role)
        is_new = binding not in self.bindings
        self.bindings.add(binding)
        self.keys[binding] = key
        self._fail_after("binding")
        return is_new

    async def remove_role_bindings(self, key: str, namespace: str, account: str) -> Removal:
        self._fail_after("removal")
        removed = {binding for binding in self.bindings if self.keys[binding] == key}
        self.bindings -= removed
        return Removal(len(removed), self.others)

    def _fail_before(self, step: str) -> None:
        if not self.lost_answers:
            self._fail_after(step)

    def _fail_after(self, step: str) -> None:
        if failure := self.failures.get(step):
            raise failure
