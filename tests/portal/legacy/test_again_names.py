"""Names and ids that both portals have given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models import (
    Group,
    LegacyKind,
    LegacyRow,
    User,
    WebApp,
)
from portal.legacy import taking_users
from portal.legacy.report import Rule
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    GROUPS,
    USERS,
    WEBAPPS,
    Row,
    Rows,
    find,
    group,
    user,
    webapp,
)
from tests.portal.legacy.state import everything, value


async def test_two_new_users_with_the_same_id_both_stay(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    here = await User.create(username="here")
    rows[USERS].append(user(here.id, "there"))
    for _ in range(2):
        report = await take_over(rows)
    assert (await User.get(id=here.id)).username == "here"
    assert (await User.get(username="there")).id > here.id
    assert report.tables["users"].same == len(rows[USERS])


async def test_a_name_that_is_taken_here_gets_a_suffix(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    await User.create(id=50, username="Zoe")
    rows[USERS].append(user(9, "zoe"))
    report = await take_over(rows)
    assert (await User.get(id=9)).username == "zoe-2"
    assert ("user 9 (zoe)", "now zoe-2") in [(r.subject, r.detail) for r in report.remarks]


async def test_names_that_were_given_up_there_are_free_here(
    rows: Rows, take_over: TakeOver
) -> None:
    await take_over(rows)
    find(rows, USERS, 2)["username"] = "alix"
    find(rows, USERS, 3)["username"] = "alice"
    rows[USERS].append(user(9, "bob"))
    report = await take_over(rows)
    names = dict(await User.all().values_list("id", "username"))
    assert (names[2], names[3], names[9]) == ("alix", "alice", "bob")
    assert Rule.NAME_TAKEN not in {remark.rule for remark in report.remarks}


def swap(rows: Rows, table: str, column: str, one: int, other: int) -> None:
    first, second = find(rows, table, one), find(rows, table, other)
    first[column], second[column] = second[column], first[column]


@pytest.mark.parametrize(
    ("model", "table", "column", "one", "other"),
    [
        (User, USERS, "username", 2, 3),
        (Group, GROUPS, "name", 3, 5),
        (WebApp, WEBAPPS, "name", 1, 4),
    ],
    ids=["users", "groups", "web apps"],
)
async def test_names_that_were_swapped_there_are_swapped_here(
    model: type[Any],
    table: str,
    column: str,
    one: int,
    other: int,
    rows: Rows,
    take_over: TakeOver,
) -> None:
    await take_over(rows)
    swap(rows, table, column, one, other)
    report = await take_over(rows)
    for key in (one, other):
        assert await value(model, key, column) == find(rows, table, key)[column]
    assert Rule.NAME_TAKEN not in {remark.rule for remark in report.remarks}
    state = await everything()
    await take_over(rows)
    assert await everything() == state


async def test_names_move_along_however_the_rows_come(
    rows: Rows, take_over: TakeOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each user gets the name of the next one, who is taken later."""
    monkeypatch.setattr(taking_users, "BATCH", 1)
    await take_over(rows)
    names = [row["username"] for row in rows[USERS]]
    for row, name in zip(rows[USERS], [*names[1:], "last"], strict=True):
        row["username"] = name
    report = await take_over(rows)
    assert await User.all().order_by("id").values_list("username", flat=True) == [
        *names[1:],
        "last",
    ]
    assert Rule.NAME_TAKEN not in {remark.rule for remark in report.remarks}


async def test_a_name_with_a_suffix_follows_the_one_there(rows: Rows, take_over: TakeOver) -> None:
    rows[USERS].append(user(9, "ALICE"))
    await take_over(rows)
    assert await value(User, 9, "username") == "ALICE-2"
    find(rows, USERS, 9)["username"] = "alison"
    report = await take_over(rows)
    assert await value(User, 9, "username") == "alison"
    assert Rule.CHANGED_HERE not in {remark.rule for remark in report.remarks}


async def test_a_name_that_replaced_the_suffix_here_stays(rows: Rows, take_over: TakeOver) -> None:
    rows[GROUPS].append(group(9, "Developers"))
    await take_over(rows)
    await Group.filter(id=9).update(name="Here")
    find(rows, GROUPS, 9)["name"] = "There"
    for _ in range(2):
        report = await take_over(rows)
        assert await value(Group, 9, "name") == "Here"
        assert Rule.CHANGED_HERE in {remark.rule for remark in report.remarks}


async def make(model: type[Any], name: str) -> int:
    made = await model.create(**{"username" if model is User else "name": name})
    return int(made.id)


def source_row(model: type[Any], key: int, name: str) -> Row:
    builders: dict[type[Any], Callable[[int, str], Row]] = {
        User: user,
        Group: group,
        WebApp: webapp,
    }
    return builders[model](key, name)


KINDS = pytest.mark.parametrize(
    ("model", "table"),
    [(User, USERS), (Group, GROUPS), (WebApp, WEBAPPS)],
    ids=["users", "groups", "web apps"],
)


@KINDS
async def test_the_id_of_what_was_deleted_here_is_never_given_again(
    model: type[Any], table: str, rows: Rows, take_over: TakeOver
) -> None:
    local = await make(model, "local")  # takes the id of the first one there
    await take_over(rows)
    moved = await LegacyRow.get(kind=kind_of(model), source_id=local)
    await model.filter(id=moved.target_id).delete()
    rows[table].append(source_row(model, moved.target_id, "Newcomer"))
    for _ in range(2):
        await take_over(rows)
    targets = await LegacyRow.filter(kind=kind_of(model)).values_list("target_id", flat=True)
    assert len(targets) == len(set(targets))
    assert not await model.exists(id=moved.target_id)
    name = "username" if model is User else "name"
    assert await model.filter(**{name: "Newcomer"}).count() == 1


@KINDS
async def test_what_happens_there_to_a_deleted_one_happens_to_nobody_else(
    model: type[Any], table: str, rows: Rows, take_over: TakeOver
) -> None:
    """The deleted one had the highest id of all, which the next newcomer could have got."""
    for number in range(len(rows[table]) + 2):
        await make(model, f"local{number}")
    await take_over(rows)
    last = await LegacyRow.filter(kind=kind_of(model)).order_by("-target_id").first()
    assert last
    await model.filter(id=last.target_id).delete()
    rows[table].append(source_row(model, 7, "Newcomer"))
    await take_over(rows)
    flag = {User: "is_superuser", Group: "can_admin", WebApp: "link_show"}[model]
    find(rows, table, last.source_id)[flag] = model is not WebApp
    await take_over(rows)
    newcomer = await model.get(**{"username" if model is User else "name": "Newcomer"})
    assert newcomer.id > last.target_id
    assert getattr(newcomer, flag) == (model is WebApp)


def kind_of(model: type[Any]) -> LegacyKind:
    return {User: LegacyKind.USER, Group: LegacyKind.GROUP, WebApp: LegacyKind.WEBAPP}[model]
