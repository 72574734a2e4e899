"""Access that was given or taken there, or here."""

from __future__ import annotations

from datetime import timedelta

from models import (
    AccessRequest,
    AccessRequestState,
    AccessState,
    User,
)
from tests.callers import Clock
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    USERS,
    Rows,
    find,
)
from tests.portal.legacy.state import value


async def history(user_id: int) -> list[tuple[AccessRequestState, int | None]]:
    rows = AccessRequest.filter(user_id=user_id).order_by("id")
    return [(row.state, row.decided_by_id) async for row in rows]


async def test_an_approval_there_answers_the_request_here(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    find(rows, USERS, 6).update(state="approved", service_account_id=2, answered_by_id=4)
    await take_over(rows)
    assert await history(6) == [(AccessRequestState.APPROVED, 4)]
    assert await value(User, 6, "access_state") == AccessState.APPROVED


async def test_access_that_was_taken_there_ends_here(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    find(rows, USERS, 2).update(state="rejected", service_account_id=None, answered_by_id=4)
    await take_over(rows)
    assert await history(2) == [(AccessRequestState.REVOKED, 1), (AccessRequestState.REJECTED, 4)]
    assert await value(User, 2, "service_account_id") is None


async def test_a_request_that_was_given_up_there_ends_here(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    find(rows, USERS, 6)["state"] = "not requested"
    await take_over(rows)
    assert await history(6) == [(AccessRequestState.REVOKED, None)]
    assert await value(User, 6, "access_state") == AccessState.NEW


async def test_access_that_was_taken_here_stays_taken(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    await User.filter(id=2).update(access_state=AccessState.NEW, service_account_id=None)
    await AccessRequest.filter(user_id=2).update(state=AccessRequestState.REVOKED)
    find(rows, USERS, 2)["service_account_id"] = 2
    report = await take_over(rows)
    assert await value(User, 2, "access_state") == AccessState.NEW
    assert ("user 2 (alice)", "access") in [(r.subject, r.detail) for r in report.remarks]


async def test_an_end_that_was_set_here_is_a_change_here(
    rows: Rows, take_over: TakeOver, clock: Clock
) -> None:
    await take_over(rows)
    end = clock.now + timedelta(days=30)
    await User.filter(id=2).update(access_expires_at=end)
    find(rows, USERS, 2)["service_account_id"] = 2
    for _ in range(2):
        report = await take_over(rows)
        assert await value(User, 2, "access_expires_at") == end
        assert ("user 2 (alice)", "access") in [(r.subject, r.detail) for r in report.remarks]
