"""Both portals in use side by side: what is new comes over, what was changed here stays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from auth.passwords import Passwords
from models import (
    AccessRequest,
    AccessRequestState,
    AccessState,
    ExternalIdentity,
    Grant,
    Group,
    Membership,
    Session,
    SignInMethod,
    User,
    WebApp,
)
from portal.legacy.mistakes import LegacyError
from portal.legacy.report import Rule
from tests.callers import Caller, Clock
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    GRANTS,
    GROUPS,
    HASHES,
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

Here = Callable[[], Awaitable[Any]]


def change(table: str, key: int, **values: Any) -> Edit:
    return lambda rows: find(rows, table, key).update(values)


def remove(table: str, key: int) -> Edit:
    return lambda rows: rows[table].remove(find(rows, table, key))


def nothing(rows: Rows) -> None:
    """Leaves the former portal as it was."""


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


# What was changed there, or here, or on both sides


@dataclass(frozen=True)
class Change:
    there: Edit
    here: Here | None
    seen: Here
    expected: Any
    rule: Rule | None = None


def set_here(model: type[Any], key: int, **values: Any) -> Here:
    return lambda: model.filter(id=key).update(**values)


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


async def test_an_upgraded_hash_is_not_undone(
    rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    await anonymous.sign_in("bob", "bobpw")
    report = await take_over(rows)
    assert report.tables["users"].same == 6
    assert ((await User.get(id=3)).password_hash or "").startswith("$argon2id$")


async def test_a_password_that_was_changed_here_is_never_revived(
    rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    await User.filter(id=3).update(password_hash=await Passwords().hash("changed here"))
    find(rows, USERS, 3)["password"] = HASHES["alice"]
    await take_over(rows)
    await anonymous.sign_in("bob", "changed here")


# Access


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


# Sessions, and other portals


@pytest.mark.parametrize(
    ("edit", "sessions"),
    [
        (change(USERS, 3, is_active=False), 0),
        (change(USERS, 3, password=HASHES["alice"]), 0),
        (change(USERS, 3, first_name="There"), 1),
    ],
    ids=["closed", "password", "name"],
)
async def test_sessions_end_with_the_account_or_the_password(
    edit: Edit, sessions: int, rows: Rows, take_over: TakeOver, clock: Clock
) -> None:
    await take_over(rows)
    await Session.create(
        id=uuid4(),
        user_id=3,
        method=SignInMethod.PASSWORD,
        created_at=clock.now,
        last_used_at=clock.now,
        expires_at=clock.now + timedelta(hours=1),
    )
    edit(rows)
    await take_over(rows)
    assert await Session.filter(user_id=3).count() == sessions


async def test_the_database_of_another_portal_is_refused(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    state = await everything()
    find(rows, USERS, 3).update(username="somebody else", date_joined=JOINED - timedelta(days=99))
    with pytest.raises(LegacyError, match="another portal"):
        await take_over(rows)
    assert await everything() == state
