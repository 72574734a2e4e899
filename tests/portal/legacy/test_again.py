"""Both portals in use side by side: what is new comes over, what was changed here stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from models import (
    ExternalIdentity,
    Grant,
    WebApp,
)
from portal.legacy.mistakes import LegacyError
from tests.callers import Clock
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.edits import Here
from tests.portal.legacy.former import (
    GRANTS,
    IDENTITIES,
    JOINED,
    MEMBERSHIPS,
    USERS,
    WEBAPPS,
    Edit,
    Rows,
    find,
    user,
    webapp,
)
from tests.portal.legacy.state import everything, groups_of, value

pytestmark = pytest.mark.database


async def test_a_second_run_changes_nothing(rows: Rows, take_over: TakeOver, clock: Clock) -> None:
    await take_over(rows)
    state = await everything()
    clock.advance(days=1)
    report = await take_over(rows)
    assert await everything() == state
    assert {counts.new + counts.changed + counts.gone for counts in report.tables.values()} == {0}


# What is new there


@dataclass(frozen=True)
class News:
    edit: Edit
    table: str
    seen: Here
    expected: Any


def joins(rows: Rows) -> None:
    rows[USERS].append(user(9, "zoe"))
    rows[MEMBERSHIPS].append({"id": 9, "user_id": 9, "portalgroup_id": 3})


NEWS = {
    "a user": News(joins, "users", lambda: groups_of(9), {"All users", "Developers"}),
    "a membership": News(
        lambda rows: rows[MEMBERSHIPS].append({"id": 9, "user_id": 3, "portalgroup_id": 3}),
        "memberships",
        lambda: groups_of(3),
        {"All users", "Developers"},
    ),
    "a web app": News(
        lambda rows: rows[WEBAPPS].append(webapp(9, "Wiki")),
        "web apps",
        lambda: value(WebApp, 9, "name"),
        "Wiki",
    ),
    "a grant": News(
        lambda rows: rows[GRANTS].append({"id": 9, "portalgroup_id": 5, "webapplication_id": 1}),
        "grants",
        lambda: Grant.filter(group_id=5, webapp_id=1).count(),
        1,
    ),
    "an identity": News(
        lambda rows: rows[IDENTITIES].append(
            {"id": 9, "provider": "google", "uid": "sub-of-alice", "user_id": 2}
        ),
        "identities",
        lambda: ExternalIdentity.filter(user_id=2).count(),
        1,
    ),
}


@pytest.mark.parametrize("case", NEWS)
async def test_what_is_new_there_comes_over(case: str, rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    NEWS[case].edit(rows)
    report = await take_over(rows)
    assert report.tables[NEWS[case].table].new == 1
    assert await NEWS[case].seen() == NEWS[case].expected


async def test_the_database_of_another_portal_is_refused(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    state = await everything()
    find(rows, USERS, 3).update(username="somebody else", date_joined=JOINED - timedelta(days=99))
    with pytest.raises(LegacyError, match="another portal"):
        await take_over(rows)
    assert await everything() == state
