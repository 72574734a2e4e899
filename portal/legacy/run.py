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

    groups_there, webapps_there: all ids there, also of what is deleted here.
    progress: is told how many users are done, and of how many.
    by_rule: the ids there of groups that fill themselves.
    administrating: the ids there of groups whose members are administrators.
    lingering: the ids here of users who are deleted there.
    """

    source: Source
    release: Release
    report: Report
    passwords: Passwords
    now: datetime
    progress: Progress
    group_ids: dict[int, int] = field(default_factory=dict)
    webapp_ids: dict[int, int] = field(default_factory=dict)
    groups_there: set[int] = field(default_factory=set)
    webapps_there: set[int] = field(default_factory=set)
    by_rule: set[int] = field(default_factory=set)
    administrating: set[int] = field(default_factory=set)
    lingering: list[int] = field(default_factory=list)

    def table(self, name: str) -> Counts:
        return self.report.table(name)

    async def count(self, table: str, condition: str = "TRUE") -> int:
        [row] = await self.source.rows(
            f'SELECT count(*) AS "number" FROM "{table}" WHERE {condition}'  # noqa: S608
        )
        return int(row["number"])
