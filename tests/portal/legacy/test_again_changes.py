"""What was changed there, or here, or on both sides."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from models import (
    Group,
    Membership,
    User,
    WebApp,
)
from portal.legacy.report import Rule
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.edits import Here, change, nothing, remove, set_here
from tests.portal.legacy.former import (
    GROUPS,
    HASHES,
    JOINED,
    MEMBERSHIPS,
    USERS,
    WEBAPPS,
    Edit,
    Rows,
    find,
)
from tests.portal.legacy.state import groups_of, value

pytestmark = pytest.mark.database


@dataclass(frozen=True)
class Change:
    there: Edit
    here: Here | None
    seen: Here
    expected: Any
    rule: Rule | None = None


async def id_of(username: str) -> int | None:
    found = await User.by_username(username)
    return found.id if found else None


def first_name() -> Awaitable[Any]:
    return value(User, 3, "first_name")


CHANGES = {
    "there": Change(change(USERS, 3, first_name="There"), None, first_name, "There"),
    "here": Change(nothing, set_here(User, 3, first_name="Here"), first_name, "Here"),
    "on both sides": Change(
        change(USERS, 3, first_name="There"),
        set_here(User, 3, first_name="Here"),
        first_name,
        "Here",
        Rule.CHANGED_HERE,
    ),
    "alike on both sides": Change(
        change(USERS, 3, first_name="Both"),
        set_here(User, 3, first_name="Both"),
        first_name,
        "Both",
    ),
    "another field here": Change(
        change(USERS, 3, first_name="There"),
        set_here(User, 3, last_name="Here"),
        first_name,
        "There",
    ),
    "a user name there": Change(
        change(USERS, 3, username="Robert"), None, lambda: id_of("robert"), 3
    ),
    "only the case of a user name": Change(
        change(USERS, 3, username="BOB"), None, lambda: value(User, 3, "username"), "BOB"
    ),
    "a group there": Change(
        change(GROUPS, 3, name="Makers"), None, lambda: value(Group, 3, "name"), "Makers"
    ),
    "a link here": Change(
        change(WEBAPPS, 1, link_url="https://there.example.org/"),
        set_here(WebApp, 1, link_url="https://here.example.org/"),
        lambda: value(WebApp, 1, "link_url"),
        "https://here.example.org/",
        Rule.CHANGED_HERE,
    ),
    "a membership that ended there": Change(
        remove(MEMBERSHIPS, 3),
        None,
        lambda: groups_of(2),
        {"All users", "Kubernetes users"},
    ),
    "a membership that ended here": Change(
        nothing,
        lambda: Membership.filter(user_id=2).delete(),
        lambda: groups_of(2),
        {"All users", "Kubernetes users"},
        Rule.CHANGED_HERE,
    ),
    "a membership that began here": Change(
        nothing,
        lambda: Membership.create(user_id=3, group_id=5),
        lambda: groups_of(3),
        {"All users", "Admins"},
    ),
    "a user who is gone there": Change(
        remove(USERS, 3), None, lambda: value(User, 3, "username"), "bob", Rule.GONE_THERE
    ),
    "a user who is gone here": Change(
        nothing,
        lambda: User.filter(id=3).delete(),
        lambda: value(User, 3, "username"),
        None,
        Rule.GONE_HERE,
    ),
    "rights there": Change(
        change(USERS, 3, is_superuser=True),
        None,
        lambda: value(User, 3, "is_superuser"),
        True,
    ),
    "a password there": Change(
        change(USERS, 3, password=HASHES["alice"]),
        None,
        lambda: value(User, 3, "password_hash"),
        HASHES["alice"],
    ),
    "a password on both sides": Change(
        change(USERS, 3, password=HASHES["alice"]),
        set_here(User, 3, password_hash="$argon2id$of another one"),
        lambda: value(User, 3, "password_hash"),
        "$argon2id$of another one",
        Rule.CHANGED_HERE,
    ),
    "a password that was taken away here": Change(
        nothing,
        set_here(User, 3, password_hash=None),
        lambda: value(User, 3, "password_hash"),
        None,
    ),
    "a later sign-in there": Change(
        change(USERS, 3, last_login=JOINED + timedelta(days=9)),
        set_here(User, 3, last_login_at=JOINED + timedelta(days=8)),
        lambda: value(User, 3, "last_login_at"),
        JOINED + timedelta(days=9),
    ),
    "a later sign-in here": Change(
        change(USERS, 3, last_login=JOINED + timedelta(days=8)),
        set_here(User, 3, last_login_at=JOINED + timedelta(days=9)),
        lambda: value(User, 3, "last_login_at"),
        JOINED + timedelta(days=9),
    ),
}


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("case", CHANGES)
async def test_what_was_changed(case: str, rows: Rows, take_over: TakeOver) -> None:
    given = CHANGES[case]
    await take_over(rows)
    given.there(rows)
    if given.here:
        await given.here()
    for _ in range(2):
        report = await take_over(rows)
        assert await given.seen() == given.expected
        rules = {remark.rule for remark in report.remarks}
        conflicts = rules & {Rule.CHANGED_HERE, Rule.GONE_HERE, Rule.GONE_THERE}
        assert conflicts == ({given.rule} if given.rule else set())
    assert report.tables["users"].changed == 0


async def test_versions_count_what_an_import_changes(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    find(rows, USERS, 3)["first_name"] = "There"
    await take_over(rows)
    assert (await User.get(id=3)).version == 2
