"""What the former portal may have written in its columns."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models import (
    User,
)
from portal.legacy.report import Rule
from tests.callers import Clock
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    JOINED,
    USERS,
    Rows,
    find,
    write_sqlite,
)

pytestmark = pytest.mark.database


async def test_dates_that_are_none(rows: Rows, take_over: TakeOver, clock: Clock) -> None:
    find(rows, USERS, 3).update(date_joined="long ago", last_login="0000-00-00 00:00:00")
    report = await take_over(rows)
    bob = await User.get(id=3)
    assert (bob.created_at, bob.last_login_at) == (clock.now, None)
    assert [r.detail for r in report.remarks if r.rule is Rule.DATE_UNFIT] == [
        "date_joined",
        "last_login",
    ]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-01-31 12:00:00.5", datetime.fromisoformat("2026-01-31T12:00:00.5+00:00")),
        ("2026-01-31 12:00:00+02:00", datetime.fromisoformat("2026-01-31T10:00:00+00:00")),
        (JOINED - timedelta(days=1), JOINED - timedelta(days=1)),
    ],
    ids=["naive", "with a zone", "as a date"],
)
@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_dates_are_in_utc(
    written: Any, moment: datetime, rows: Rows, take_over: TakeOver
) -> None:
    find(rows, USERS, 3)["date_joined"] = written
    await take_over(rows)
    assert (await User.get(id=3)).created_at == moment


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("truth", [1, "1", "t", "true", "True"])
async def test_truth_has_many_spellings(truth: Any, rows: Rows, take_over: TakeOver) -> None:
    find(rows, USERS, 3)["is_superuser"] = truth
    find(rows, USERS, 4)["is_active"] = None
    await take_over(rows)
    assert (await User.get(id=3)).is_superuser
    assert not (await User.get(id=4)).is_active


async def test_broken_text_is_replaced(rows: Rows, take_over: TakeOver, tmp_path: Path) -> None:
    file = write_sqlite(tmp_path / "former.sqlite3", rows)
    with sqlite3.connect(file) as connection:
        broken = "UPDATE kubeportal_user SET first_name = CAST(x'42ff6f00' AS TEXT) WHERE id = 3"
        connection.execute(broken)
    connection.close()
    report = await take_over(place=str(file))
    assert (await User.get(id=3)).first_name == "B�o"
    assert Rule.TEXT_ADAPTED in {remark.rule for remark in report.remarks}


@pytest.mark.parametrize("date", [None, ""])
@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_nobody_has_joined_at_no_time(
    date: str | None, rows: Rows, take_over: TakeOver, clock: Clock
) -> None:
    find(rows, USERS, 3)["date_joined"] = date
    report = await take_over(rows)
    assert (await User.get(id=3)).created_at == clock.now
    assert [(r.subject, r.detail) for r in report.remarks if r.rule is Rule.DATE_UNFIT] == [
        ("user 3 (bob)", "date_joined")
    ]


@pytest.mark.parametrize(
    "address", ["bob@corp.local", "bob@localhost", "bob@portal.test", "bob@intranet"]
)
@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_addresses_of_an_intranet_are_addresses(
    address: str, rows: Rows, take_over: TakeOver
) -> None:
    find(rows, USERS, 3).update(email=address, alt_mails=f"other.{address}")
    report = await take_over(rows)
    assert (await User.get(id=3)).all_emails == [address, f"other.{address}"]
    assert Rule.ADDRESS_UNFIT not in {remark.rule for remark in report.remarks}
