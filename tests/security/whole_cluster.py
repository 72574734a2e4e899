"""A cluster that does all that the portal asks of one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cluster.tokens import ServiceAccountToken
from tests.issuing import IssuingCluster
from tests.provisioned import Provisioned


class WholeCluster(Provisioned):
    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._issuing = IssuingCluster(clock)
        counts = {"node_count": 1, "cpu_count": 4, "memory_bytes": 2**34, "volume_count": 0}
        self.tell(version="v1.34.0", **counts)

    async def issue_token(
        self, namespace: str, service_account: str, *, lifetime: timedelta
    ) -> ServiceAccountToken:
        return await self._issuing.issue_token(namespace, service_account, lifetime=lifetime)

    def kubeconfig(self, **parts: Any) -> str:
        return self._issuing.kubeconfig(**parts)
