"""Which releases of the former portal are known."""

from __future__ import annotations

import pytest

from models import AccessState, User
from portal.legacy.source import LegacyError
from tests.callers import Caller
from tests.portal.legacy.conftest import Import, Snapshot
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
async def test_release_is_recognised(
    edit: Edit, release: str, rows: Rows, import_rows: Import
) -> None:
    edit(rows)
    report = await import_rows(rows)
    assert report.release == release
    assert [user.access_state async for user in User.all().order_by("id")] == [
        AccessState.NEW,
        AccessState.APPROVED,
        AccessState.NEW,
        AccessState.NEW,
        AccessState.REJECTED,
        AccessState.REQUESTED,
    ]


async def test_categories_and_news(rows: Rows, import_rows: Import, anonymous: Caller) -> None:
    query = "{ webapp(databaseId: 1) { category } }"
    of_release_06(rows)
    report = await import_rows(rows)
    alice = await anonymous.sign_in("alice", "alicepw")
    assert await alice.data(query) == {"webapp": {"category": "MONITORING"}}
    assert "Publish 1 news elsewhere." in report.next_steps


def drop(table: str) -> Edit:
    return lambda rows: rows.pop(table)


UNKNOWN: dict[str, tuple[Edit, str]] = {
    "no users": (drop(USERS), "not a database of the former KubePortal"),
    "no groups": (drop(GROUPS), f"no table {GROUPS}"),
    "missing column": (
        lambda rows: without(rows, USERS, "is_staff"),
        f"no column {USERS}.is_staff",
    ),
    "new state": (
        lambda rows: find(rows, USERS, 3).update(state="PENDING"),
        f'{USERS}.state is "PENDING"',
    ),
    "unknown library": (
        lambda rows: without(rows, IDENTITIES, "uid"),
        f"no column {IDENTITIES}.uid",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
async def test_unknown_release_is_an_error(
    case: str, rows: Rows, import_rows: Import, snapshot: Snapshot
) -> None:
    edit, message = UNKNOWN[case]
    edit(rows)
    before = await snapshot()
    with pytest.raises(LegacyError) as raised:
        await import_rows(rows)
    assert message in str(raised.value)
    assert await snapshot() == before
