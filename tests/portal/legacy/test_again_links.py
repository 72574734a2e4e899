"""Identities and addresses that belong to somebody else there by now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from models import ExternalIdentity, Group, VerifiedEmail, WebApp
from portal.legacy.report import Rule
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.edits import remove
from tests.portal.legacy.former import (
    ADDRESSES,
    GROUPS,
    IDENTITIES,
    USERS,
    Rows,
    find,
)
from tests.portal.legacy.state import everything


async def owner_of_identity() -> int:
    identity = await ExternalIdentity.get(subject="sub-of-bob").select_related("user")
    return identity.user.id


async def owner_of_address() -> int:
    verified = await VerifiedEmail.get(address="alice@example.org").select_related("user")
    return verified.user.id


@dataclass(frozen=True)
class Thing:
    """What only one can have: its row there, whose it is, and how its owner here is asked."""

    table: str
    owner: int
    asked: Callable[[], Awaitable[int]]
    rule: Rule


THINGS = {
    "identity": Thing(IDENTITIES, 3, owner_of_identity, Rule.IDENTITY_LEFT),
    "address": Thing(ADDRESSES, 2, owner_of_address, Rule.ADDRESS_TAKEN),
}
EACH = pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)


@EACH
@pytest.mark.parametrize("new_owner", [1, 6], ids=["taken earlier", "taken later"])
async def test_it_moves_with_its_owner_there(
    thing: Thing, new_owner: int, rows: Rows, take_over: TakeOver
) -> None:
    await take_over(rows)
    find(rows, thing.table, 1)["user_id"] = new_owner
    report = await take_over(rows)
    assert await thing.asked() == new_owner
    assert thing.rule not in {remark.rule for remark in report.remarks}
    state = await everything()
    await take_over(rows)
    assert await everything() == state


@EACH
async def test_it_moves_from_somebody_who_is_deleted_there(
    thing: Thing, rows: Rows, take_over: TakeOver
) -> None:
    await take_over(rows)
    remove(USERS, thing.owner)(rows)
    find(rows, thing.table, 1)["user_id"] = 4
    await take_over(rows)
    assert await thing.asked() == 4


@EACH
async def test_it_stays_with_whom_it_was_given_to_here(
    thing: Thing, rows: Rows, take_over: TakeOver
) -> None:
    await take_over(rows)
    await ExternalIdentity.all().update(user_id=6)
    await VerifiedEmail.all().update(user_id=6)
    find(rows, thing.table, 1)["user_id"] = 4
    report = await take_over(rows)
    assert await thing.asked() == 6
    assert thing.rule in {remark.rule for remark in report.remarks}


@EACH
async def test_of_two_who_have_it_there_the_same_one_keeps_it(
    thing: Thing, rows: Rows, take_over: TakeOver
) -> None:
    rows[thing.table].append(find(rows, thing.table, 1) | {"id": 9, "user_id": 1})
    for _ in range(3):
        await take_over(rows)
        assert await thing.asked() == 1


@pytest.mark.parametrize(("model", "key"), [(Group, 3), (WebApp, 1)], ids=["group", "web app"])
async def test_what_is_deleted_here_is_told_once(
    model: type[Any], key: int, rows: Rows, take_over: TakeOver
) -> None:
    await take_over(rows)
    await model.filter(id=key).delete()
    report = await take_over(rows)
    assert [r.rule for r in report.remarks].count(Rule.GONE_HERE) == 1
    assert Rule.DANGLING not in {remark.rule for remark in report.remarks}


async def test_what_is_deleted_there_is_called_by_its_name(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    remove(USERS, 3)(rows)
    remove(USERS, 5)(rows)
    remove(GROUPS, 5)(rows)
    report = await take_over(rows)
    gone = [remark.subject for remark in report.remarks if remark.rule is Rule.GONE_THERE]
    assert gone == ["group 5 (Admins)", "user 3 (bob)", "user 5 (eve)"]
    [step] = [step for step in report.next_steps if "deleted there" in step]
    assert step.endswith(": bob.")
