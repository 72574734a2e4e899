"""A cluster in which things can be made, and which can fail at it."""

from __future__ import annotations

import asyncio

from cluster.connection import ClusterError
from tests.stand_in import StandIn


class Provisioned(StandIn):
    """`failures` are raised at a step: `namespace`, `account` or `binding`.

    `lost_answers` are steps that are done although they fail. With a `barrier`, those who make
    namespaces wait for each other.
    """

    def __init__(self, name: str = "main") -> None:
        super().__init__(name)
        self.namespaces: dict[str, str | None] = {}
        self.accounts: set[tuple[str, str]] = set()
        self.bindings: set[tuple[str, str, str]] = set()
        self.failures: dict[str, ClusterError] = {}
        self.lost_answers = False
        self.barrier: asyncio.Barrier | None = None

    async def ensure_namespace(self, name: str, *, made_for: str | None = None) -> bool:
        if self.barrier:
            await self.barrier.wait()
        self._fail_before("namespace")
        purpose = self.namespaces.setdefault(name, made_for)
        self._fail_after("namespace")
        return made_for is not None and purpose == made_for

    async def ensure_service_account(self, namespace: str, name: str) -> bool:
        self._fail_before("account")
        is_new = (namespace, name) not in self.accounts
        self.accounts.add((namespace, name))
        self._fail_after("account")
        return is_new

    async def ensure_role_binding(self, namespace: str, account: str, role: str) -> bool:
        self._fail_before("binding")
        is_new = (namespace, account, role) not in self.bindings
        self.bindings.add((namespace, account, role))
        self._fail_after("binding")
        return is_new

    def _fail_before(self, step: str) -> None:
        if not self.lost_answers:
            self._fail_after(step)

    def _fail_after(self, step: str) -> None:
        if failure := self.failures.get(step):
            raise failure
