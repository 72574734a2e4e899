"""A second import creates what is new in the source, reports differences and changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from models import AccessRequest, Group, LegacyRow, Membership, User, WebApp
from portal.legacy.report import Remark, Rule
from tests.callers import Caller
from tests.portal.legacy.conftest import Import, Snapshot
from tests.portal.legacy.former import (
    ADDRESSES,
    GRANTS,
    GROUPS,
    IDENTITIES,
    MEMBERSHIPS,
    USERS,
    WEBAPPS,
    Edit,
    Row,
    Rows,
    add,
    change,
    group,
    remove,
    user,
    webapp,
)

Update = Callable[[], Awaitable[Any]]
REPORTED = {Rule.DIFFERENT, Rule.DELETED_IN_PORTAL, Rule.DELETED_IN_SOURCE}


@pytest.mark.database
async def test_second_import_changes_nothing(
    rows: Rows, import_rows: Import, snapshot: Snapshot
) -> None:
    await import_rows(rows)
    before = await snapshot()
    report = await import_rows(rows)
    assert await snapshot() == before
    for counts in report.tables.values():
        assert (counts.created, counts.different) == (0, 0)
    assert not [remark for remark in report.remarks if remark.rule in REPORTED]


def unchanged(rows: Rows) -> None:
    """Leaves the source unchanged."""


SOURCE_CHANGES: dict[str, tuple[Edit, Rule, str, str]] = {
    "column": (change(USERS, 3, first_name="Robert"), Rule.DIFFERENT, "user 3 (bob)", "first_name"),
    "name": (change(USERS, 3, username="rob"), Rule.DIFFERENT, "user 3 (rob)", "username"),
    "superuser": (change(USERS, 3, is_superuser=1), Rule.DIFFERENT, "user 3 (bob)", "is_superuser"),
    "closed": (change(USERS, 3, is_active=0), Rule.DIFFERENT, "user 3 (bob)", "is_active"),
    "approval": (
        change(USERS, 6, state="approved", service_account_id=2),
        Rule.DIFFERENT,
        "user 6 (jürgen)",
        "access",
    ),
    "new membership": (
        add(MEMBERSHIPS, {"id": 9, "user_id": 3, "portalgroup_id": 3}),
        Rule.DIFFERENT,
        "user 3 (bob)",
        "memberships",
    ),
    "ended membership": (remove(MEMBERSHIPS, 3), Rule.DIFFERENT, "user 2 (alice)", "memberships"),
    "moved identity": (
        change(IDENTITIES, 1, user_id=4),
        Rule.DIFFERENT,
        "user 4 (carol)",
        "identities",
    ),
    "verified address": (
        change(ADDRESSES, 2, verified=True),
        Rule.DIFFERENT,
        "user 3 (bob)",
        "verified addresses",
    ),
    "group": (change(GROUPS, 3, name="Makers"), Rule.DIFFERENT, "group 3 (Makers)", "name"),
    "grant": (remove(GRANTS, 1), Rule.DIFFERENT, "group 3 (Developers)", "grants"),
    "web app": (
        change(WEBAPPS, 1, link_show=0),
        Rule.DIFFERENT,
        "web app 1 (Grafana)",
        "link_show",
    ),
    "deleted user": (remove(USERS, 3), Rule.DELETED_IN_SOURCE, "user 3 (bob)", ""),
}


@pytest.mark.parametrize("case", SOURCE_CHANGES)
async def test_change_in_the_source_is_reported(
    case: str, rows: Rows, import_rows: Import, snapshot: Snapshot
) -> None:
    edit, rule, subject, detail = SOURCE_CHANGES[case]
    await import_rows(rows)
    before = await snapshot()
    edit(rows)
    report = await import_rows(rows)
    assert Remark(rule, subject, detail) in report.remarks
    assert await snapshot() == before


PORTAL_CHANGES: dict[str, tuple[Update, Rule, str, str]] = {
    "column": (
        lambda: User.filter(id=3).update(last_name="Brown"),
        Rule.DIFFERENT,
        "user 3 (bob)",
        "last_name",
    ),
    "membership": (
        lambda: Membership.create(user_id=3, group_id=3),
        Rule.DIFFERENT,
        "user 3 (bob)",
        "memberships",
    ),
    "deleted user": (
        lambda: User.filter(id=3).delete(),
        Rule.DELETED_IN_PORTAL,
        "user 3 (bob)",
        "",
    ),
    "deleted group": (
        lambda: Group.filter(id=3).delete(),
        Rule.DELETED_IN_PORTAL,
        "group 3 (Developers)",
        "",
    ),
    "deleted web app": (
        lambda: WebApp.filter(id=1).delete(),
        Rule.DELETED_IN_PORTAL,
        "web app 1 (Grafana)",
        "",
    ),
}


@pytest.mark.parametrize("case", PORTAL_CHANGES)
async def test_change_in_the_portal_is_reported(
    case: str, rows: Rows, import_rows: Import, snapshot: Snapshot
) -> None:
    update, rule, subject, detail = PORTAL_CHANGES[case]
    await import_rows(rows)
    await update()
    before = await snapshot()
    report = await import_rows(rows)
    assert Remark(rule, subject, detail) in report.remarks
    assert await snapshot() == before


async def test_new_rows_are_added(rows: Rows, import_rows: Import) -> None:
    await import_rows(rows)
    rows[USERS].append(user(9, "zoe", state="approved", service_account_id=2, answered_by_id=1))
    rows[GROUPS].append(group(9, "Testers"))
    rows[WEBAPPS].append(webapp(9, "Wiki"))
    rows[MEMBERSHIPS] += [
        {"id": 8, "user_id": 9, "portalgroup_id": 3},
        {"id": 9, "user_id": 9, "portalgroup_id": 9},
    ]
    rows[GRANTS].append({"id": 9, "portalgroup_id": 9, "webapplication_id": 1})
    report = await import_rows(rows)
    assert {title: counts.created for title, counts in report.tables.items()} == {
        "web apps": 1,
        "grants": 1,
        "groups": 1,
        "users": 1,
        "memberships": 2,
        "identities": 0,
        "verified addresses": 0,
        "service accounts": 1,
    }
    assert (await AccessRequest.get(user_id=9)).decided_by_id == 1
    assert await Membership.filter(user_id=9).count() == 2


async def test_password_of_the_portal_is_kept(
    rows: Rows, import_rows: Import, anonymous: Caller
) -> None:
    """The first sign-in replaces the hash, and that is no difference."""
    await import_rows(rows)
    await anonymous.sign_in("bob", "bobpw")
    report = await import_rows(rows)
    assert report.tables["users"].different == 0
    assert ((await User.get(id=3)).password_hash or "").startswith("$argon2id$")


@pytest.mark.parametrize(
    ("model", "table", "build"),
    [(User, USERS, user), (Group, GROUPS, group), (WebApp, WEBAPPS, webapp)],
)
async def test_deleted_row_differs_from_a_new_one(
    model: type[Any],
    table: str,
    build: Callable[[int, str], Row],
    rows: Rows,
    import_rows: Import,
) -> None:
    """The local row takes the id of the first one in the source, which moves to a free id."""
    name = "username" if model is User else "name"
    await model.create(**{name: "local"})
    await import_rows(rows)
    moved = await LegacyRow.get(kind=model.__name__.upper(), source_id=1)
    await model.filter(id=moved.target_id).delete()
    rows[table].append(build(moved.target_id, "Newcomer"))
    await import_rows(rows)
    newcomer = await model.get(**{name: "Newcomer"})
    assert newcomer.id > moved.target_id
