"""What does not fit here: each case has its rule, and a line in the report."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models import (
    AccessRequest,
    AccessState,
    ExternalIdentity,
    Group,
    Membership,
    User,
    VerifiedEmail,
    WebApp,
)
from portal.legacy.report import Rule
from tests.callers import Clock
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    ACCOUNTS,
    ADDRESSES,
    CLIENTS,
    GRANTS,
    GROUPS,
    IDENTITIES,
    JOINED,
    MEMBERSHIPS,
    NAMESPACES,
    USERS,
    WEBAPPS,
    Edit,
    Row,
    Rows,
    find,
    group,
    user,
    webapp,
    with_column,
    write_sqlite,
)
from tests.portal.legacy.state import groups_of, value


@dataclass(frozen=True)
class Case:
    """`seen` is asked afterwards and has to be `expected`."""

    edit: Edit
    rule: Rule
    subject: str
    seen: Callable[[], Awaitable[Any]]
    expected: Any


def add(table: str, *rows: Row) -> Edit:
    return lambda all_rows: all_rows[table].extend(rows)


def change(table: str, key: int, **values: Any) -> Edit:
    return lambda rows: find(rows, table, key).update(values)


def both(*edits: Edit) -> Edit:
    return lambda rows: [edit(rows) for edit in edits]


def of_user(key: int, name: str) -> Callable[[], Awaitable[Any]]:
    return lambda: value(User, key, name)


def of_webapp(key: int, name: str) -> Callable[[], Awaitable[Any]]:
    return lambda: value(WebApp, key, name)


async def access_of_bob() -> tuple[AccessState, int | None]:
    bob = await User.get(id=3)
    return bob.access_state, bob.service_account_id


async def decider_of_alice() -> int | None:
    return (await AccessRequest.get(user_id=2)).decided_by_id


async def users_of_the_account() -> set[str]:
    account = await value(User, 2, "service_account_id")
    return {user.username async for user in User.filter(service_account_id=account)}


async def id_of(username: str) -> int:
    return (await User.get(username=username)).id


HUGE = 2**31 + 5
CASES: dict[str, Case] = {
    "user names in another case": Case(
        add(USERS, user(9, "Alice")),
        Rule.NAME_TAKEN,
        "user 9 (Alice)",
        of_user(9, "username"),
        "Alice-2",
    ),
    "the newer of two names has the lower id": Case(
        add(USERS, user(9, "BOB", date_joined=JOINED)),
        Rule.NAME_TAKEN,
        "user 3 (bob)",
        of_user(9, "username"),
        "BOB",
    ),
    "the suffix is somebody's name": Case(
        add(USERS, user(9, "Alice"), user(10, "alice-2")),
        Rule.NAME_TAKEN,
        "user 9 (Alice)",
        of_user(9, "username"),
        "Alice-3",
    ),
    "another Unicode spelling": Case(
        add(USERS, user(9, "Ａlice")),
        Rule.NAME_TAKEN,
        "user 9 (Ａlice)",
        of_user(9, "username"),
        "Ａlice-2",
    ),
    "group names": Case(
        add(GROUPS, group(9, "Developers")),
        Rule.NAME_TAKEN,
        "group 9 (Developers)",
        lambda: value(Group, 9, "name"),
        "Developers-2",
    ),
    "web app names": Case(
        add(WEBAPPS, webapp(9, "Grafana")),
        Rule.NAME_TAKEN,
        "web app 9 (Grafana)",
        of_webapp(9, "name"),
        "Grafana-2",
    ),
    "no primary address": Case(
        change(USERS, 3, email="bob at home"),
        Rule.ADDRESS_UNFIT,
        "user 3 (bob)",
        of_user(3, "primary_email"),
        None,
    ),
    "no alternative address": Case(
        change(USERS, 3, alt_mails="b@example.org\n\nnone\nb@example.org"),
        Rule.ADDRESS_UNFIT,
        "user 3 (bob)",
        of_user(3, "alternative_emails"),
        ["b@example.org"],
    ),
    "an account of two users": Case(
        change(USERS, 3, state="approved", service_account_id=1),
        Rule.ACCOUNT_SHARED,
        "default:default",
        users_of_the_account,
        {"alice", "bob"},
    ),
    "approved without an account": Case(
        change(USERS, 3, state="approved"),
        Rule.ACCESS_WITHOUT_ACCOUNT,
        "user 3 (bob)",
        access_of_bob,
        (AccessState.NEW, None),
    ),
    "an account without approval": Case(
        change(USERS, 3, state="rejected", service_account_id=2),
        Rule.ACCOUNT_WITHOUT_ACCESS,
        "user 3 (bob)",
        access_of_bob,
        (AccessState.REJECTED, None),
    ),
    "an account that Kubernetes can't have": Case(
        both(
            change(NAMESPACES, 2, name="Moni_toring"),
            change(USERS, 3, state="approved", service_account_id=2),
        ),
        Rule.ACCOUNT_UNFIT,
        "user 3 (bob)",
        access_of_bob,
        (AccessState.NEW, None),
    ),
    "an account that is not there": Case(
        change(USERS, 3, state="approved", service_account_id=404),
        Rule.DANGLING,
        "user 3 (bob)",
        access_of_bob,
        (AccessState.NEW, None),
    ),
    "an account in no namespace": Case(
        both(
            change(ACCOUNTS, 2, namespace_id=404),
            change(USERS, 3, state="approved", service_account_id=2),
        ),
        Rule.DANGLING,
        "user 3 (bob)",
        access_of_bob,
        (AccessState.NEW, None),
    ),
    "who decided is not there": Case(
        change(USERS, 2, answered_by_id=404),
        Rule.DANGLING,
        "user 2 (alice)",
        decider_of_alice,
        None,
    ),
    "a membership in no group": Case(
        add(MEMBERSHIPS, {"id": 9, "user_id": 3, "portalgroup_id": 404}),
        Rule.DANGLING,
        "user 3 (bob)",
        lambda: groups_of(3),
        {"All users"},
    ),
    "a membership of nobody": Case(
        add(MEMBERSHIPS, {"id": 9, "user_id": 404, "portalgroup_id": 3}),
        Rule.DANGLING,
        "memberships",
        lambda: Membership.all().count(),
        2,
    ),
    "a grant of nothing": Case(
        add(GRANTS, {"id": 9, "portalgroup_id": 3, "webapplication_id": 404}),
        Rule.DANGLING,
        "grant 9",
        lambda: value(Group, 3, "name"),
        "Developers",
    ),
    "an identity of nobody": Case(
        add(IDENTITIES, {"id": 9, "provider": "google", "uid": "lost", "user_id": 404}),
        Rule.DANGLING,
        "identities",
        lambda: ExternalIdentity.filter(subject="lost").count(),
        0,
    ),
    "another provider": Case(
        add(IDENTITIES, {"id": 9, "provider": "twitter", "uid": "t", "user_id": 2}),
        Rule.IDENTITY_LEFT,
        "user 2 (alice)",
        lambda: ExternalIdentity.filter(user_id=2).count(),
        0,
    ),
    "an identity of two users": Case(
        add(IDENTITIES, {"id": 9, "provider": "google", "uid": "sub-of-bob", "user_id": 4}),
        Rule.IDENTITY_LEFT,
        "user 4 (carol)",
        lambda: ExternalIdentity.filter(user_id=4).count(),
        0,
    ),
    "a verified address of two users": Case(
        add(ADDRESSES, {"id": 9, "email": "alice@example.org", "verified": True, "user_id": 4}),
        Rule.ADDRESS_TAKEN,
        "user 4 (carol)",
        lambda: VerifiedEmail.filter(user_id=4).count(),
        0,
    ),
    "an address that was never verified": Case(
        change(ADDRESSES, 1, verified=False),
        Rule.ADDRESS_UNVERIFIED,
        "verified addresses",
        lambda: VerifiedEmail.all().count(),
        0,
    ),
    "a text that is too long": Case(
        change(USERS, 3, first_name="B" * 500),
        Rule.TEXT_ADAPTED,
        "user 3 (bob)",
        of_user(3, "first_name"),
        "B" * 150,
    ),
    "a text with control characters": Case(
        change(USERS, 3, last_name="B\x1b[31mro\nwn"),
        Rule.TEXT_ADAPTED,
        "user 3 (bob)",
        of_user(3, "last_name"),
        "B[31mrown",
    ),
    "a name that is too long": Case(
        change(USERS, 3, username="b" * 400),
        Rule.TEXT_ADAPTED,
        f"user 3 ({'b' * 50})",
        of_user(3, "username"),
        "b" * 150,
    ),
    "an empty name": Case(
        change(WEBAPPS, 2, name="\x07"),
        Rule.TEXT_ADAPTED,
        "web app 2 (\\x07)",
        of_webapp(2, "name"),
        "webapp-2",
    ),
    "a link to a script": Case(
        change(WEBAPPS, 1, link_url="javascript:alert(1)"),
        Rule.LINK_UNFIT,
        "web app 1 (Grafana)",
        of_webapp(1, "link_url"),
        None,
    ),
    "a category that is new": Case(
        both(
            lambda rows: with_column(rows, WEBAPPS, "category", "GENERIC"),
            change(WEBAPPS, 1, category="GAMES"),
        ),
        Rule.CATEGORY_UNKNOWN,
        "web app 1 (Grafana)",
        of_webapp(1, "category"),
        None,
    ),
    "an id of 32 bits and more": Case(
        add(USERS, user(HUGE, "zoe")),
        Rule.ID_TAKEN,
        f"user {HUGE} (zoe)",
        lambda: id_of("zoe"),
        7,
    ),
    "an id that leaves no room": Case(
        add(USERS, user(2**31 - 1, "zoe")),
        Rule.ID_TAKEN,
        f"user {2**31 - 1} (zoe)",
        lambda: id_of("zoe"),
        7,
    ),
    "a password of an unknown kind": Case(
        change(USERS, 3, password="md5$salt$0123456789abcdef"),
        Rule.PASSWORD_UNKNOWN,
        "user 3 (bob)",
        of_user(3, "password_hash"),
        None,
    ),
    "staff without a group": Case(
        change(USERS, 3, is_staff=True),
        Rule.STAFF_WITHOUT_GROUP,
        "user 3 (bob)",
        of_user(3, "is_superuser"),
        False,
    ),
    "everybody administrates": Case(
        change(GROUPS, 1, can_admin=True),
        Rule.ADMINISTRATORS_BY_RULE,
        "group 1 (All users)",
        lambda: value(Group, 1, "can_admin"),
        True,
    ),
    "members by rule": Case(
        lambda rows: None,
        Rule.MEMBERS_BY_RULE,
        "group 1",
        lambda: Membership.filter(group_id=1).count(),
        0,
    ),
    "a rule of former releases": Case(
        both(
            lambda rows: with_column(rows, GROUPS, "auto_add_new", False),
            change(GROUPS, 3, auto_add_new=True),
        ),
        Rule.MEMBERSHIP_RULE_UNKNOWN,
        "group 3 (Developers)",
        lambda: groups_of(2),
        {"All users", "Kubernetes users", "Developers"},
    ),
    "accounts of nobody": Case(
        lambda rows: None,
        Rule.ACCOUNTS_UNUSED,
        "service accounts",
        lambda: value(User, 3, "service_account_id"),
        None,
    ),
}


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
                if row.get("username") in taken:
                    row["username"] = f"{row['username']}{row['id']}"
    report = await take_over(rows)
    assert report.tables["users"].new == len(rows[USERS]) == await User.all().count()
    again = await take_over(rows)
    assert again.tables["users"].same == len(rows[USERS])


async def test_every_rule_has_a_case() -> None:
    later = {Rule.CHANGED_HERE, Rule.GONE_HERE, Rule.GONE_THERE}
    elsewhere = {Rule.DATE_UNFIT}
    assert {case.rule for case in CASES.values()} | later | elsewhere == set(Rule)


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


async def test_users_without_any_way_in_are_named(rows: Rows, take_over: TakeOver) -> None:
    find(rows, USERS, 3)["password"] = "!unusable"
    find(rows, USERS, 4)["password"] = "!unusable"
    report = await take_over(rows)
    [step] = [step for step in report.next_steps if "password" in step]
    assert step.endswith(": carol.")


async def test_what_has_no_home_here_is_named(rows: Rows, take_over: TakeOver) -> None:
    rows[CLIENTS] = [{"id": 1, "client_id": "grafana"}]
    find(rows, WEBAPPS, 1)["oidc_client_id"] = 1
    find(rows, WEBAPPS, 2)["can_subauth"] = True
    report = await take_over(rows)
    text = "\n".join(report.next_steps)
    assert "sign users in: Grafana." in text
    assert "another guard for these web apps: Hidden." in text
    assert "exist in the cluster: default." in text
