"""Which releases of the former portal are known."""

from __future__ import annotations

import pytest

from models import (
    AccessState,
    User,
)
from portal.legacy.mistakes import LegacyError
from tests.callers import Caller
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    ADDRESSES,
    CLIENTS,
    GROUPS,
    IDENTITIES,
    NEWS,
    USERS,
    WEBAPPS,
    Edit,
    Rows,
    find,
    with_column,
    without,
)
from tests.portal.legacy.state import everything

pytestmark = pytest.mark.database

CONSTANTS = {
    "not requested": "NEW",
    "requested": "ACCESS_REQUESTED",
    "rejected": "ACCESS_REJECTED",
    "approved": "ACCESS_APPROVED",
}


def of_release_03(rows: Rows) -> None:
    """The columns of users but `alt_mails` were there from the beginning."""
    without(rows, USERS, "alt_mails")
    without(rows, GROUPS, "special_all_accounts", "special_k8s_accounts")
    with_column(rows, GROUPS, "auto_add_new", False)
    without(rows, WEBAPPS, "can_subauth")
    for table in (IDENTITIES, ADDRESSES, CLIENTS):
        del rows[table]


def with_constants(rows: Rows) -> None:
    for row in rows[USERS]:
        row["state"] = CONSTANTS[row["state"]]


def of_release_06(rows: Rows) -> None:
    with_constants(rows)
    with_column(rows, WEBAPPS, "category", "GENERIC")
    find(rows, WEBAPPS, 1)["category"] = "MONITORING"
    rows[NEWS] = [{"id": 1, "title": "Hello"}]


@pytest.mark.parametrize(
    ("edit", "release"),
    [
        (of_release_03, "0.3"),
        (lambda rows: None, "0.4 or 0.5"),
        (with_constants, "0.6"),
        (of_release_06, "0.6"),
    ],
    ids=["0.3", "0.5", "between", "0.6"],
)
async def test_releases_are_recognised(
    edit: Edit, release: str, rows: Rows, take_over: TakeOver
) -> None:
    edit(rows)
    report = await take_over(rows)
    assert report.release == release
    assert [user.access_state async for user in User.all().order_by("id")] == [
        AccessState.NEW,
        AccessState.APPROVED,
        AccessState.NEW,
        AccessState.NEW,
        AccessState.REJECTED,
        AccessState.REQUESTED,
    ]


async def test_categories_and_news_of_later_releases(
    rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    query = "{ webapp(databaseId: 1) { category } }"
    of_release_06(rows)
    report = await take_over(rows)
    alice = await anonymous.sign_in("alice", "alicepw")
    assert await alice.data(query) == {"webapp": {"category": "MONITORING"}}
    assert "Publish 1 news elsewhere: they have no home here." in report.next_steps


def drop(table: str) -> Edit:
    return lambda rows: rows.pop(table)


REFUSALS: dict[str, tuple[Edit, str]] = {
    "no users": (drop(USERS), "no database of the former KubePortal"),
    "no groups": (drop(GROUPS), f"no table {GROUPS}"),
    "a column that is missing": (
        lambda rows: without(rows, USERS, "is_staff"),
        f"no column {USERS}.is_staff",
    ),
    "a column that is new": (
        lambda rows: with_column(rows, USERS, "shoe_size", "42"),
        f"unknown column {USERS}.shoe_size",
    ),
    "a state that is new": (
        lambda rows: find(rows, USERS, 3).update(state="PENDING"),
        f'{USERS}.state is "PENDING"',
    ),
    "another library": (
        lambda rows: without(rows, IDENTITIES, "uid"),
        f"no column {IDENTITIES}.uid",
    ),
}


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("case", REFUSALS)
async def test_an_unknown_release_is_refused(case: str, rows: Rows, take_over: TakeOver) -> None:
    edit, message = REFUSALS[case]
    edit(rows)
    before = await everything()
    with pytest.raises(LegacyError) as refusal:
        await take_over(rows)
    assert message in str(refusal.value)
    assert await everything() == before
