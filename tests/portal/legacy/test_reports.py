"""What an import tells, and a dry run foretells."""

from __future__ import annotations

from typing import Any

from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    USERS,
    Rows,
    find,
)
from tests.portal.legacy.state import everything


async def test_a_dry_run_changes_nothing_and_tells_the_same(
    rows: Rows, take_over: TakeOver
) -> None:
    before = await everything()
    foreseen = await take_over(rows, dry_run=True)
    assert await everything() == before
    done = await take_over(rows)
    assert (foreseen.tables, foreseen.remarks) == (done.tables, done.remarks)
    assert "Dry run" in str(foreseen)
    assert "Dry run" not in str(done)


async def test_the_report_holds_no_secrets(rows: Rows, take_over: TakeOver) -> None:
    find(rows, USERS, 3)["password"] = "md5$salt$0123456789abcdef"
    report = await take_over(rows)
    texts: list[Any] = [str(report), report.json().decode()]
    for planted in [row["password"] for row in rows[USERS]]:
        assert all(planted not in text for text in texts)
