"""What every part of an import needs to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from auth.passwords import Passwords
from portal.legacy.release import Release
from portal.legacy.report import Counts, Report
from portal.legacy.source import Source

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Run:
    """`group_ids` and `webapp_ids` lead from the ids there to those here.

    progress: is told how many users are done, and of how many.
    by_rule: the ids there of groups that fill themselves.
    administrating: the ids there of groups whose members are administrators.
    """

    source: Source
    release: Release
    report: Report
    passwords: Passwords
    now: datetime
    progress: Progress
    group_ids: dict[int, int] = field(default_factory=dict)
    webapp_ids: dict[int, int] = field(default_factory=dict)
    by_rule: set[int] = field(default_factory=set)
    administrating: set[int] = field(default_factory=set)

    def table(self, name: str) -> Counts:
        return self.report.table(name)

    async def count(self, table: str, condition: str = "TRUE") -> int:
        [row] = await self.source.rows(
            f'SELECT count(*) AS "number" FROM "{table}" WHERE {condition}'  # noqa: S608
        )
        return int(row["number"])
