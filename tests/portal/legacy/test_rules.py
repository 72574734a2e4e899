"""What does not fit here: each case has its rule, and a line in the report."""

from __future__ import annotations

import pytest

from models import (
    User,
)
from portal.legacy.report import Rule
from tests.portal.legacy.cases_of_access import ACCESS
from tests.portal.legacy.cases_of_people import PEOPLE
from tests.portal.legacy.cases_of_things import THINGS
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    USERS,
    Rows,
)

pytestmark = pytest.mark.database

CASES = PEOPLE | ACCESS | THINGS


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("case", CASES)
async def test_each_case_has_its_rule(case: str, rows: Rows, take_over: TakeOver) -> None:
    given = CASES[case]
    given.edit(rows)
    report = await take_over(rows)
    assert given.subject in [r.subject for r in report.remarks if r.rule is given.rule]
    assert given.rule.value in str(report)
    assert await given.seen() == given.expected


async def test_all_cases_at_once_do_no_harm(rows: Rows, take_over: TakeOver) -> None:
    """Those that add rows: the ids that several of them use are made unique."""
    spare = iter(range(100, 1000))
    for case in CASES.values():
        before = {table: len(all_rows) for table, all_rows in rows.items()}
        case.edit(rows)
        for table, all_rows in rows.items():
            for row in all_rows[before[table] :]:
                row |= {"id": next(spare) if row["id"] < 100 else row["id"]}
                taken = [other["username"] for other in rows[USERS] if other is not row]
                if "username" in row and row["username"] in taken:
                    row["username"] = f"{row['username']}{row['id']}"
    report = await take_over(rows)
    assert report.tables["users"].new == len(rows[USERS]) == await User.all().count()
    again = await take_over(rows)
    assert again.tables["users"].same == len(rows[USERS])


async def test_every_rule_has_a_case() -> None:
    later = {Rule.CHANGED_HERE, Rule.GONE_HERE, Rule.GONE_THERE}
    elsewhere = {Rule.DATE_UNFIT}
    assert {case.rule for case in CASES.values()} | later | elsewhere == set(Rule)
