"""What the former portal has is here afterwards, under the same ids."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from models import (
    AccessRequest,
    AccessRequestState,
    AccessState,
    ExternalIdentity,
    Grant,
    Group,
    GroupMembership,
    ServiceAccount,
    User,
    VerifiedEmail,
    WebApp,
)
from portal.legacy.mistakes import LegacyError
from tests.callers import Caller, Clock
from tests.databases import new_database
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    ADDRESSES,
    CLIENTS,
    GROUPS,
    IDENTITIES,
    JOINED,
    NEWS,
    PASSWORDS,
    USERS,
    WEBAPPS,
    Edit,
    Rows,
    find,
    with_column,
    without,
    write_postgres,
    write_sqlite,
)
from tests.portal.legacy.state import everything, groups_of

RECORDED = Path(__file__).parents[4] / "shared" / "legacy" / "kubeportal-0.5.0.sqlite3"
CONSTANTS = {
    "not requested": "NEW",
    "requested": "ACCESS_REQUESTED",
    "rejected": "ACCESS_REJECTED",
    "approved": "ACCESS_APPROVED",
}


# What is carried over


async def test_a_user_keeps_what_is_theirs(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    alice = await User.get(id=2).select_related("service_account")
    assert (alice.username, alice.first_name, alice.last_name) == ("alice", "Alice", "Anders")
    assert alice.all_emails == ["alice@example.org", "alice@alt.example.org", "a@example.org"]
    assert (alice.is_superuser, alice.is_active) == (False, True)
    assert alice.created_at == JOINED + timedelta(minutes=2)
    assert alice.last_login_at == JOINED + timedelta(days=1)
    assert alice.comments == "For her thesis"
    assert alice.access_state == AccessState.APPROVED
    assert alice.service_account
    assert alice.service_account.qualified_name == "default:default"
    assert await groups_of(2) == {"All users", "Kubernetes users", "Developers"}
    assert [verified.address async for verified in VerifiedEmail.filter(user_id=2)] == [
        "alice@example.org"
    ]


async def test_the_others_do_too(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    users = await User.all().order_by("id")
    assert [user.id for user in users] == [1, 2, 3, 4, 5, 6]
    assert [user.username for user in users if user.is_superuser] == ["root"]
    assert [user.username for user in users if not user.is_active] == ["eve"]
    assert await groups_of(4) == {"All users", "Admins"}
    assert users[5].primary_email is None
    identity = await ExternalIdentity.get(subject="sub-of-bob").select_related("user")
    assert (identity.provider, identity.user.username) == ("google", "bob")


async def test_groups_and_web_apps_keep_what_is_theirs(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    groups = await Group.all().order_by("id").values_list("id", "name", "can_admin", "membership")
    assert groups == [
        (1, "All users", False, GroupMembership.ALL_USERS),
        (2, "Kubernetes users", False, GroupMembership.CLUSTER_USERS),
        (3, "Developers", False, GroupMembership.MANUAL),
        (5, "Admins", True, GroupMembership.MANUAL),
    ]
    webapps = await WebApp.all().order_by("id").values_list("id", "name", "link_url", "link_show")
    assert webapps == [
        (1, "Grafana", "https://grafana.example.org/", True),
        (2, "Hidden", "https://hidden.example.org/", False),
        (4, "Dashboard", "https://dashboard.example.org/?account={{serviceaccount}}", True),
        (5, "Bare", None, True),
    ]
    assert set(await Grant.all().values_list("group_id", "webapp_id")) == {(3, 1), (3, 2), (2, 4)}


async def test_only_accounts_that_somebody_has_are_known(rows: Rows, take_over: TakeOver) -> None:
    report = await take_over(rows)
    assert [account.qualified_name async for account in ServiceAccount.all()] == ["default:default"]
    assert report.tables["service accounts"].left == 1


async def test_access_has_its_history(rows: Rows, take_over: TakeOver, clock: Clock) -> None:
    await take_over(rows)
    requests = await AccessRequest.all().order_by("user_id").select_related("service_account")
    assert [
        (request.user_id, request.state, request.decided_by_id, request.decided_at)
        for request in requests
    ] == [
        (2, AccessRequestState.APPROVED, 1, clock.now),
        (5, AccessRequestState.REJECTED, 4, clock.now),
        (6, AccessRequestState.OPEN, None, None),
    ]
    assert requests[0].service_account
    assert requests[0].service_account.namespace == "default"


async def test_new_rows_get_higher_ids(rows: Rows, take_over: TakeOver) -> None:
    await take_over(rows)
    assert (await User.create(username="zoe")).id > 6
    assert (await Group.create(name="New")).id > 5
    assert (await WebApp.create(name="New")).id > 5


async def test_progress_is_told(rows: Rows, take_over: TakeOver) -> None:
    told: list[tuple[int, int]] = []
    await take_over(rows, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (6, 6)


# Signing in


@pytest.mark.parametrize("username", sorted(PASSWORDS))
async def test_the_old_password_signs_in(
    username: str, rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    password = PASSWORDS[username]
    body = {"username": username, "password": password}
    assert (await anonymous.rest("POST", "/login/", json=body)).status_code == 200
    upgraded = await User.get(username=username)
    assert (upgraded.password_hash or "").startswith("$argon2id$")
    await anonymous.sign_in(username, password)


async def test_a_closed_account_stays_closed(
    rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    body = {"username": "eve", "password": "bobpw"}
    assert (await anonymous.rest("POST", "/login/", json=body)).status_code == 400


async def test_the_rest_api_answers_as_before(
    rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    alice = await anonymous.sign_in("alice", "alicepw")
    user = (await alice.rest("GET", "/users/2/")).json()
    assert user | {"k8s_token": None} == {
        "firstname": "Alice",
        "name": "Anders",
        "username": "alice",
        "primary_email": "alice@example.org",
        "all_emails": ["alice@example.org", "alice@alt.example.org", "a@example.org"],
        "admin": False,
        "k8s_serviceaccount": "default:default",
        "k8s_namespace": "default",
        "k8s_token": None,
    }
    assert (await alice.rest("GET", "/groups/3/")).json() == {"name": "Developers"}
    assert (await alice.rest("GET", "/webapps/1/")).json() == {
        "link_name": "Grafana",
        "link_url": "https://grafana.example.org/",
    }
    assert (await alice.rest("GET", "/webapps/2/")).status_code == 403
    assert (await alice.rest("GET", "/webapps/4/")).json()["link_name"] == "Dashboard of default"


async def test_a_recorded_database_is_taken_over(take_over: TakeOver, anonymous: Caller) -> None:
    if not RECORDED.exists():
        pytest.skip(f"no recorded database {RECORDED}")
    report = await take_over(place=str(RECORDED))
    assert report.release == "0.5"
    assert {name: counts.new for name, counts in report.tables.items()} == {
        "web apps": 5,
        "grants": 5,
        "groups": 5,
        "users": 8,
        "memberships": 2,
        "identities": 0,
        "verified addresses": 0,
        "service accounts": 2,
        "namespaces": 2,
    }
    names = [user.username async for user in User.filter(is_active=True)]
    for name in names:
        await anonymous.sign_in(name, "pässwörd✓" if name == "jürgen" else f"{name}pw")


# Where it comes from


@pytest.fixture
async def another_postgres(postgres_url: str) -> AsyncIterator[str]:
    async with new_database(postgres_url, f"former_{uuid4().hex}") as url:
        yield url


async def test_postgres_is_read_like_sqlite(
    rows: Rows, take_over: TakeOver, another_postgres: str
) -> None:
    await write_postgres(another_postgres, rows)
    report = await take_over(place=another_postgres)
    assert report.tables["users"].new == 6
    state = await everything()
    again = await take_over(rows)
    assert again.tables["users"].same == 6
    assert await everything() == state


async def test_what_sqlite_has_written_ahead_is_read(
    rows: Rows, take_over: TakeOver, tmp_path: Path
) -> None:
    file = write_sqlite(tmp_path / "former.sqlite3", rows)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE kubeportal_user SET first_name = 'Alix' WHERE id = 2")
        connection.commit()
        await take_over(place=str(file))
    assert (await User.get(id=2)).first_name == "Alix"
    connection.close()


async def test_the_source_stays_as_it_is(rows: Rows, take_over: TakeOver, tmp_path: Path) -> None:
    file = write_sqlite(tmp_path / "former.sqlite3", rows)
    before = file.read_bytes()
    await take_over(place=str(file))
    assert file.read_bytes() == before
    assert not file.with_name("former.sqlite3-wal").exists()
    assert not file.with_name("former.sqlite3-journal").exists()


# Releases


def of_release_03(rows: Rows) -> None:
    without(rows, USERS, "alt_mails", "comments", "answered_by_id", "approval_id")
    without(rows, GROUPS, "special_all_accounts", "special_k8s_accounts")
    with_column(rows, GROUPS, "auto_add_new", False)
    without(rows, WEBAPPS, "can_subauth")
    for table in (IDENTITIES, ADDRESSES, CLIENTS):
        del rows[table]


def of_release_06(rows: Rows) -> None:
    for row in rows[USERS]:
        row["state"] = CONSTANTS[row["state"]]
    with_column(rows, WEBAPPS, "category", "GENERIC")
    find(rows, WEBAPPS, 1)["category"] = "MONITORING"
    rows[NEWS] = [{"id": 1, "title": "Hello"}]


@pytest.mark.parametrize(
    ("edit", "release"),
    [
        (of_release_03, "0.3 or 0.4"),
        (lambda rows: None, "0.5"),
        (of_release_06, "0.6"),
    ],
    ids=["0.3", "0.5", "0.6"],
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


# Dry runs and reports


async def test_a_dry_run_changes_nothing_and_tells_the_same(
    rows: Rows, take_over: TakeOver
) -> None:
    before = await everything()
    foreseen = await take_over(rows, dry_run=True)
    assert await everything() == before
    done = await take_over(rows)
    assert (foreseen.tables, foreseen.remarks) == (done.tables, done.remarks)
    assert "Dry run" in str(foreseen)
    assert "Dry run" not in str(done)


async def test_the_report_holds_no_secrets(rows: Rows, take_over: TakeOver) -> None:
    find(rows, USERS, 3)["password"] = "md5$salt$0123456789abcdef"
    report = await take_over(rows)
    texts: list[Any] = [str(report), report.json().decode()]
    for planted in [row["password"] for row in rows[USERS]]:
        assert all(planted not in text for text in texts)
