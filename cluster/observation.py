"""What one look at a cluster has shown."""

from dataclasses import dataclass
from typing import Any

from cluster.errors import ClusterError, ClusterRefused

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Observation:
    """`values` are fields of Facts that could be read; `failures` are the rest, by subject."""

    values: Values
    failures: dict[str, ClusterError]

    @property
    def answered(self) -> bool:
        """The server gave at least one fact."""
        return bool(self.values)

    @property
    def complete(self) -> bool:
        """Every fact was read that the server lets the portal read."""
        return self.answered and all(
            isinstance(failure, ClusterRefused) for failure in self.failures.values()
        )
