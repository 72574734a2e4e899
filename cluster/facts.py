"""What the portal knows about a cluster at one moment."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot; a value is None as long as it has never been observed.

    `cpu_count` and `memory_bytes` are the sums of the capacities of all nodes, `volume_count`
    counts persistent volumes. `reachable` tells whether the last attempt was answered,
    `observed_at` (UTC) when all facts that may be read were last read.
    """

    version: str | None = None
    node_count: int | None = None
    cpu_count: Decimal | None = None
    memory_bytes: int | None = None
    pod_count: int | None = None
    volume_count: int | None = None
    reachable: bool = False
    observed_at: datetime | None = None

    def tells_the_same_as(self, other: "Facts") -> bool:
        """True when the two differ at most in the time of the observation."""
        return replace(self, observed_at=None) == replace(other, observed_at=None)
