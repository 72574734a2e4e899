"""Values that the portal does not allow: each case has its rule, and a remark in the report."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

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
from tests.foreign import foreign_bindings
from tests.portal.legacy.conftest import Import
from tests.portal.legacy.former import (
    ADDRESSES,
    GROUPS,
    HASHES,
    IDENTITIES,
    JOINED,
    NAMESPACES,
    USERS,
    WEBAPPS,
    Edit,
    Rows,
    add,
    both,
    change,
    find,
    group,
    user,
    webapp,
    with_column,
    write_sqlite,
)

HUGE = 2**31 + 5
BOB = "user 3 (bob)"


class Case(NamedTuple):
    """`read()` returns `expected` after the import."""

    edit: Edit
    rule: Rule
    subject: str
    read: Callable[[], Awaitable[Any]]
    expected: Any


def of(model: type[Any], key: int, column: str) -> Callable[[], Awaitable[Any]]:
    async def read() -> Any:
        return getattr(await model.get(id=key), column)

    return read


def bob(column: str) -> Callable[[], Awaitable[Any]]:
    return of(User, 3, column)


async def access_of_bob() -> tuple[AccessState, int | None]:
    user = await User.get(id=3)
    return user.access_state, user.service_account_id


async def users_of_the_account() -> set[str]:
    users = User.filter(service_account__namespace="default")
    return {user.username async for user in users}


async def id_of_zoe() -> int:
    return (await User.get(username="zoe")).id


NO_ACCESS = (AccessState.NEW, None)
CASES = {
    # Names and ids
    "username in another case": Case(
        add(USERS, user(9, "Alice")),
        Rule.NAME_TAKEN,
        "user 9 (Alice)",
        of(User, 9, "username"),
        "Alice-2",
    ),
    "newer name with a lower id": Case(
        add(USERS, user(9, "BOB", date_joined=JOINED)),
        Rule.NAME_TAKEN,
        BOB,
        of(User, 9, "username"),
        "BOB",
    ),
    "suffix in use": Case(
        add(USERS, user(9, "Alice"), user(10, "alice-2")),
        Rule.NAME_TAKEN,
        "user 9 (Alice)",
        of(User, 9, "username"),
        "Alice-3",
    ),
    "group name": Case(
        add(GROUPS, group(9, "Developers")),
        Rule.NAME_TAKEN,
        "group 9 (Developers)",
        of(Group, 9, "name"),
        "Developers-2",
    ),
    "web app name": Case(
        add(WEBAPPS, webapp(9, "Grafana ")),
        Rule.NAME_TAKEN,
        "web app 9 (Grafana )",
        of(WebApp, 9, "name"),
        "Grafana-2",
    ),
    "id of more than 32 bits": Case(
        add(USERS, user(HUGE, "zoe")), Rule.ID_TAKEN, f"user {HUGE} (zoe)", id_of_zoe, 7
    ),
    # Texts
    "long text": Case(
        change(USERS, 3, first_name="B" * 500), Rule.TEXT_INVALID, BOB, bob("first_name"), "B" * 150
    ),
    "control characters": Case(
        change(USERS, 3, last_name="B\x1b[31mro\nwn"),
        Rule.TEXT_INVALID,
        BOB,
        bob("last_name"),
        "B[31mrown",
    ),
    "empty username": Case(
        change(USERS, 3, username=" \x07 "),
        Rule.TEXT_INVALID,
        "user 3 ( \\x07 )",
        bob("username"),
        "user-3",
    ),
    "username whose key is too long": Case(
        change(USERS, 3, username="ﷺ" * 30),
        Rule.TEXT_INVALID,
        f"user 3 ({'ﷺ' * 30})",
        bob("username"),
        "user-3",
    ),
    "empty group name": Case(
        change(GROUPS, 3, name=" "),
        Rule.TEXT_INVALID,
        "group 3 ( )",
        of(Group, 3, "name"),
        "group-3",
    ),
    "unknown placeholder": Case(
        change(WEBAPPS, 1, link_name="{{user}}"),
        Rule.TEXT_INVALID,
        "web app 1 (Grafana)",
        of(WebApp, 1, "link_name"),
        None,
    ),
    "script as a link": Case(
        change(WEBAPPS, 1, link_url="javascript:alert(1)"),
        Rule.LINK_INVALID,
        "web app 1 (Grafana)",
        of(WebApp, 1, "link_url"),
        None,
    ),
    "new category": Case(
        both(
            lambda rows: with_column(rows, WEBAPPS, "category", "GENERIC"),
            change(WEBAPPS, 1, category="GAMES"),
        ),
        Rule.CATEGORY_UNKNOWN,
        "web app 1 (Grafana)",
        of(WebApp, 1, "category"),
        None,
    ),
    "invalid date": Case(
        change(USERS, 3, last_login="0000-00-00 00:00:00"),
        Rule.DATE_INVALID,
        BOB,
        bob("last_login_at"),
        None,
    ),
    # Addresses and identities
    "invalid primary address": Case(
        change(USERS, 3, email="bob at home"),
        Rule.ADDRESS_INVALID,
        BOB,
        bob("primary_email"),
        None,
    ),
    "invalid alternative address": Case(
        change(USERS, 3, alt_mails="b@example.org\n\nnone\nb@example.org"),
        Rule.ADDRESS_INVALID,
        BOB,
        bob("alternative_emails"),
        ["b@example.org"],
    ),
    "too many alternative addresses": Case(
        change(USERS, 3, alt_mails="\n".join(f"b{n}@example.org" for n in range(25))),
        Rule.ADDRESS_LIMIT,
        BOB,
        bob("alternative_emails"),
        [f"b{n}@example.org" for n in range(20)],
    ),
    "verified address of two users": Case(
        add(ADDRESSES, {"id": 9, "email": "alice@example.org", "verified": True, "user_id": 6}),
        Rule.ADDRESS_TAKEN,
        "user 6 (jürgen)",
        lambda: VerifiedEmail.filter(user_id=6).count(),
        0,
    ),
    "identity of two users": Case(
        add(IDENTITIES, {"id": 9, "provider": "google", "uid": "sub-of-bob", "user_id": 6}),
        Rule.IDENTITY_UNUSABLE,
        "user 6 (jürgen)",
        lambda: ExternalIdentity.filter(user_id=6).count(),
        0,
    ),
    "identity with control characters": Case(
        add(IDENTITIES, {"id": 9, "provider": "google", "uid": "sub\0", "user_id": 4}),
        Rule.IDENTITY_UNUSABLE,
        "user 4 (carol)",
        lambda: ExternalIdentity.filter(user_id=4).count(),
        0,
    ),
    "another provider": Case(
        add(IDENTITIES, {"id": 9, "provider": "twitter", "uid": "t", "user_id": 2}),
        Rule.IDENTITY_UNUSABLE,
        "user 2 (alice)",
        lambda: ExternalIdentity.filter(user_id=2).count(),
        0,
    ),
    # Passwords and rights
    "unknown password hash": Case(
        change(USERS, 3, password="md5$salt$0123456789abcdef"),
        Rule.PASSWORD_UNKNOWN,
        BOB,
        bob("password_hash"),
        None,
    ),
    "expensive password hash": Case(
        change(USERS, 3, password=HASHES["bob"].replace("150000", "2000000000")),
        Rule.PASSWORD_UNKNOWN,
        BOB,
        bob("password_hash"),
        None,
    ),
    "staff": Case(
        change(USERS, 3, is_staff=True),
        Rule.STAFF_NOT_ADMINISTRATOR,
        BOB,
        bob("is_superuser"),
        False,
    ),
    "every user administers": Case(
        change(GROUPS, 1, can_admin=True),
        Rule.GROUP_MAKES_ADMINISTRATORS,
        "group 1 (All users)",
        of(Group, 1, "can_admin"),
        False,
    ),
    "members of a group that fills itself": Case(
        lambda rows: None,
        Rule.GROUP_FILLS_ITSELF,
        "group 1 (All users)",
        lambda: Membership.filter(group_id=1).count(),
        0,
    ),
    "rule of former releases": Case(
        both(
            lambda rows: with_column(rows, GROUPS, "auto_add_new", False),
            change(GROUPS, 3, auto_add_new=True),
        ),
        Rule.GROUP_RULE_UNKNOWN,
        "group 3 (Developers)",
        lambda: Membership.filter(group_id=3).count(),
        1,
    ),
    # Access
    "account of two users": Case(
        change(USERS, 3, state="approved", service_account_id=1),
        Rule.ACCOUNT_SHARED,
        BOB,
        users_of_the_account,
        {"alice", "bob"},
    ),
    "approved without an account": Case(
        change(USERS, 3, state="approved"),
        Rule.ACCESS_WITHOUT_ACCOUNT,
        BOB,
        access_of_bob,
        NO_ACCESS,
    ),
    "account without approval": Case(
        change(USERS, 3, state="rejected", service_account_id=2),
        Rule.ACCOUNT_WITHOUT_ACCESS,
        BOB,
        access_of_bob,
        (AccessState.REJECTED, None),
    ),
    "account of a closed user": Case(
        change(USERS, 3, state="approved", service_account_id=2, is_active=False),
        Rule.ACCESS_OF_CLOSED_ACCOUNT,
        BOB,
        access_of_bob,
        NO_ACCESS,
    ),
    "invalid namespace": Case(
        both(
            change(NAMESPACES, 2, name="Moni_toring"),
            change(USERS, 3, state="approved", service_account_id=2),
        ),
        Rule.ACCOUNT_INVALID,
        BOB,
        access_of_bob,
        NO_ACCESS,
    ),
    "namespace of Kubernetes": Case(
        both(
            change(NAMESPACES, 2, name="kube-system"),
            change(USERS, 3, state="approved", service_account_id=2),
        ),
        Rule.ACCOUNT_INVALID,
        BOB,
        access_of_bob,
        NO_ACCESS,
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_rule(case: str, rows: Rows, import_rows: Import) -> None:
    edit, rule, subject, read, expected = CASES[case]
    edit(rows)
    report = await import_rows(rows)
    assert subject in [remark.subject for remark in report.remarks if remark.rule is rule]
    assert rule.value in str(report)
    assert await read() == expected


async def test_every_rule_has_a_case() -> None:
    again = {Rule.DIFFERENT, Rule.DELETED_IN_PORTAL, Rule.DELETED_IN_SOURCE}
    assert {case.rule for case in CASES.values()} | again == set(Rule)


async def test_missing_references_are_skipped(rows: Rows, import_rows: Import) -> None:
    find(rows, USERS, 2).update(answered_by_id=404)
    find(rows, USERS, 3).update(state="approved", service_account_id=404)
    rows["kubeportal_user_portal_groups"].append({"id": 9, "user_id": 3, "portalgroup_id": 404})
    grant = {"id": 9, "portalgroup_id": 3, "webapplication_id": 404}
    rows["kubeportal_portalgroup_can_web_applications"].append(grant)
    report = await import_rows(rows)
    assert (await AccessRequest.get(user_id=2)).decided_by_id is None
    assert await access_of_bob() == NO_ACCESS
    assert report.tables["memberships"].skipped == 3
    assert report.tables["grants"].skipped == 1


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-01-31 12:00:00.5", datetime.fromisoformat("2026-01-31T12:00:00.5+00:00")),
        ("2026-01-31 12:00:00+02:00", datetime.fromisoformat("2026-01-31T10:00:00+00:00")),
        (JOINED - timedelta(days=1), JOINED - timedelta(days=1)),
        ("long ago", None),
        ("", None),
    ],
)
async def test_dates_are_in_utc(
    written: Any, expected: datetime | None, rows: Rows, import_rows: Import, clock: Clock
) -> None:
    """A user without a valid date joined at the time of the import."""
    find(rows, USERS, 3)["date_joined"] = written
    await import_rows(rows)
    assert (await User.get(id=3)).created_at == (expected or clock.now)


@pytest.mark.parametrize("truth", [1, "1", "t", "true", "True"])
async def test_spellings_of_true(truth: Any, rows: Rows, import_rows: Import) -> None:
    find(rows, USERS, 3)["is_superuser"] = truth
    find(rows, USERS, 4)["is_active"] = None
    await import_rows(rows)
    assert (await User.get(id=3)).is_superuser
    assert not (await User.get(id=4)).is_active


async def test_broken_text_is_decoded(rows: Rows, import_rows: Import, tmp_path: Path) -> None:
    file = write_sqlite(tmp_path / "former.sqlite3", rows)
    with closing(sqlite3.connect(file)) as connection:
        broken = "UPDATE kubeportal_user SET first_name = CAST(x'42ff6f00' AS TEXT) WHERE id = 3"
        connection.execute(broken)
        connection.commit()
    await import_rows(place=str(file))
    assert (await User.get(id=3)).first_name == "B\ufffdo"


@pytest.mark.parametrize("address", ["bob@corp.local", "bob@localhost", "bob@portal.test"])
async def test_intranet_addresses_are_valid(address: str, rows: Rows, import_rows: Import) -> None:
    find(rows, USERS, 3).update(email=address, alt_mails=f"other.{address}")
    report = await import_rows(rows)
    assert (await User.get(id=3)).all_emails == [address, f"other.{address}"]
    assert Rule.ADDRESS_INVALID not in {remark.rule for remark in report.remarks}


async def test_comments_keep_their_lines(rows: Rows, import_rows: Import) -> None:
    find(rows, USERS, 3)["comments"] = "First line\r\nsecond line"
    await import_rows(rows)
    assert (await User.get(id=3)).comments == "First line\r\nsecond line"


@pytest.mark.parametrize("door", ["namespace of the portal", "rights elsewhere"])
async def test_privileged_account_is_not_imported(
    door: str, rows: Rows, import_rows: Import
) -> None:
    change(USERS, 3, state="approved", service_account_id=2)(rows)
    policies: dict[str, dict[str, Any]] = {
        "namespace of the portal": {"portal_namespace": "monitoring"},
        "rights elsewhere": {"foreign_bindings": foreign_bindings("monitoring", "ci")},
    }
    report = await import_rows(rows, **policies[door])
    notes = [remark for remark in report.remarks if remark.rule is Rule.ACCOUNT_INVALID]
    assert BOB in {remark.subject for remark in notes}
    assert await access_of_bob() == NO_ACCESS
