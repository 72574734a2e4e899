"""Looks at a cluster: every fact is read by itself and may fail by itself."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from cluster.answers import NodeList, Version
from cluster.connection import Caller
from cluster.errors import ClusterError
from cluster.faults import explained
from cluster.listing import count, pages
from cluster.observation import Observation, Values


class Observer:
    """Reads the facts of one cluster."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def observe(self) -> Observation:
        """Never raises: what could not be read is in the observation's failures."""
        reads = {
            "version": self._version(),
            "nodes": self._nodes(),
            "pods": self._pods(),
            "volumes": self._volumes(),
        }
        outcomes = await asyncio.gather(*(self._outcome(read) for read in reads.values()))
        values: Values = {}
        failures: dict[str, ClusterError] = {}
        for subject, outcome in zip(reads, outcomes, strict=True):
            if isinstance(outcome, ClusterError):
                failures[subject] = outcome
            else:
                values |= outcome
        return Observation(values, failures)

    async def _outcome(self, read: Awaitable[Values]) -> Values | ClusterError:
        try:
            with explained(self._caller.cluster):
                return await read
        except ClusterError as error:
            return error

    async def _version(self) -> Values:
        method = self._caller.version.get_code_without_preload_content
        return {"version": (await self._caller.call(method, Version)).git_version}

    async def _nodes(self) -> Values:
        cpu: Counter[str] = Counter()
        memory: Counter[str] = Counter()
        method = self._caller.core.list_node_without_preload_content
        async for page in pages(self._caller, method, NodeList):
            capacities = [node.status.capacity for node in page.items or []]
            cpu.update(capacity.cpu for capacity in capacities)
            memory.update(capacity.memory for capacity in capacities)
        return {
            "node_count": cpu.total(),
            "cpu_count": _sum(cpu),
            "memory_bytes": math.ceil(_sum(memory)),
        }

    async def _pods(self) -> Values:
        method = self._caller.core.list_pod_for_all_namespaces_without_preload_content
        return {"pod_count": await count(self._caller, method)}

    async def _volumes(self) -> Values:
        method = self._caller.core.list_persistent_volume_without_preload_content
        return {"volume_count": await count(self._caller, method)}


def _sum(stated: Counter[str]) -> Decimal:
    """Most nodes are alike: each quantity is read once. Raises ValueError for what is none."""
    total = Decimal(0)
    for text, times in stated.items():
        quantity: Decimal = parse_quantity(text)
        if not quantity.is_finite():
            raise ValueError(f"{quantity} is no quantity")
        total += quantity * times
    return total
