"""Everything of the former portal is in the portal afterwards, under the same ids."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from models import (
    AccessRequest,
    AccessRequestState,
    AccessState,
    AuditActor,
    AuditEvent,
    Database,
    EffectiveMembership,
    ExternalIdentity,
    Grant,
    Group,
    GroupMembership,
    LegacyKind,
    LegacyRow,
    User,
    VerifiedEmail,
    WebApp,
)
from portal.legacy import users
from portal.legacy.source import LegacyError
from tests.callers import Clock
from tests.portal.legacy.conftest import Import, Snapshot
from tests.portal.legacy.former import (
    CLIENTS,
    JOINED,
    MEMBERSHIPS,
    USERS,
    WEBAPPS,
    Rows,
    find,
    user,
)


async def groups_of(user_id: int) -> set[str]:
    rows = EffectiveMembership.filter(user_id=user_id).select_related("group")
    return {row.group.name async for row in rows}


@pytest.mark.database
async def test_user_keeps_everything(rows: Rows, import_rows: Import) -> None:
    await import_rows(rows)
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
    assert (await VerifiedEmail.get(user_id=2)).address == "alice@example.org"


async def test_ids_flags_and_identities_are_kept(rows: Rows, import_rows: Import) -> None:
    await import_rows(rows)
    users = await User.all().order_by("id")
    assert [user.id for user in users] == [1, 2, 3, 4, 5, 6]
    assert [user.username for user in users if user.is_superuser] == ["root"]
    assert [user.username for user in users if not user.is_active] == ["eve"]
    assert await groups_of(4) == {"All users", "Admins"}
    assert users[5].primary_email is None
    identity = await ExternalIdentity.get(subject="sub-of-bob").select_related("user")
    assert (identity.provider, identity.user.username) == ("google", "bob")


async def test_groups_and_web_apps_keep_everything(rows: Rows, import_rows: Import) -> None:
    await import_rows(rows)
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


async def test_access_has_its_history(rows: Rows, import_rows: Import, clock: Clock) -> None:
    await import_rows(rows)
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


async def test_deciders_are_known_in_every_batch(
    rows: Rows, import_rows: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "BATCH", 1)
    find(rows, USERS, 2)["answered_by_id"] = 6
    await import_rows(rows)
    deciders = AccessRequest.filter(decided_by_id__not_isnull=True).order_by("user_id")
    assert await deciders.values_list("user_id", "decided_by_id") == [(2, 6), (5, 4)]


@pytest.mark.database
async def test_new_rows_get_higher_ids(rows: Rows, import_rows: Import) -> None:
    await import_rows(rows)
    assert (await User.create(username="zoe")).id > 6
    assert (await Group.create(name="New")).id > 5
    assert (await WebApp.create(name="New")).id > 5


async def test_progress_is_reported(rows: Rows, import_rows: Import) -> None:
    reported: list[tuple[int, int]] = []
    await import_rows(rows, progress=lambda done, total: reported.append((done, total)))
    assert reported[-1] == (6, 6)


@pytest.mark.database
async def test_dry_run_changes_nothing(rows: Rows, import_rows: Import, snapshot: Snapshot) -> None:
    before = await snapshot()
    foreseen = await import_rows(rows, dry_run=True)
    assert await snapshot() == before
    assert not await AuditEvent.all().exists()
    done = await import_rows(rows)
    assert (foreseen.tables, foreseen.remarks, foreseen.next_steps) == (
        done.tables,
        done.remarks,
        done.next_steps,
    )
    assert "Dry run" in str(foreseen)
    assert "Dry run" not in str(done)


async def test_report_has_no_secrets(rows: Rows, import_rows: Import) -> None:
    find(rows, USERS, 3)["password"] = "md5$salt$0123456789abcdef"
    report = await import_rows(rows)
    for password in (row["password"] for row in rows[USERS]):
        assert password not in str(report)
        assert password not in report.json().decode()


async def test_sr40_import_is_recorded(rows: Rows, import_rows: Import) -> None:
    """One event with the counts, and one for each user, group, membership and decision."""
    await import_rows(rows)
    events = await AuditEvent.all().order_by("id")
    assert {event.actor_type for event in events} == {AuditActor.OPERATOR}
    recorded = [(event.kind.value, event.subject_name) for event in events]
    assert recorded.count(("LEGACY_IMPORTED", "")) == 1
    assert events[-1].details["tables"]["users"]["created"] == 6
    for expected in [("USER_CREATED", "root"), ("MEMBER_ADDED", "carol")]:
        assert expected in recorded


# What is left to do


async def test_users_who_cannot_sign_in_are_reported(rows: Rows, import_rows: Import) -> None:
    for key in (2, 3, 4):  # Alice has a verified address, and Bob an identity
        find(rows, USERS, key)["password"] = "!unusable"
    report = await import_rows(rows)
    assert "Give these users a password, as they can't sign in: carol." in report.next_steps


async def test_missing_administrator_is_reported(rows: Rows, import_rows: Import) -> None:
    find(rows, USERS, 1)["is_superuser"] = False
    rows[MEMBERSHIPS] = []
    report = await import_rows(rows)
    assert "Create an administrator" in report.next_steps[0]


async def test_features_without_a_successor_are_reported(rows: Rows, import_rows: Import) -> None:
    rows[CLIENTS] = [{"id": 1, "client_id": "grafana"}]
    find(rows, WEBAPPS, 1)["oidc_client_id"] = 1
    find(rows, WEBAPPS, 2).update(name="h" * 5000, can_subauth=True)
    text = "\n".join((await import_rows(rows)).next_steps)
    assert "another OpenID provider: Grafana." in text
    assert f"sub-authentication: {'h' * 50}." in text
    assert "exist in the cluster: default." in text


# A portal that has users already


async def test_taken_id_is_replaced(rows: Rows, import_rows: Import) -> None:
    local = await User.create(username="local")
    await import_rows(rows)
    assert local.id == 1
    root = await User.get(username="root")
    assert root.id == 7
    row = await LegacyRow.get(kind=LegacyKind.USER, source_id=1)
    assert row.target_id == 7


async def test_taken_name_gets_a_suffix(rows: Rows, import_rows: Import) -> None:
    await User.create(id=100, username="ALICE")
    await Group.create(id=100, name="Developers")
    await import_rows(rows)
    assert (await User.get(id=2)).username == "alice-2"
    assert (await Group.get(id=3)).name == "Developers-2"


async def test_failed_import_changes_nothing(
    rows: Rows, import_rows: Import, snapshot: Snapshot
) -> None:
    before = await snapshot()

    def fail(done: int, total: int) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await import_rows(rows, progress=fail)
    assert await snapshot() == before


async def test_many_batches(
    rows: Rows, import_rows: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "BATCH", 4)
    rows[USERS] += [user(key, f"user{key}") for key in range(10, 20)]
    report = await import_rows(rows)
    assert report.tables["users"].created == 16


async def test_locked_database_is_an_error(
    rows: Rows, import_rows: Import, database: Database, snapshot: Snapshot
) -> None:
    await database.connection.execute_query("PRAGMA busy_timeout = 0")
    before = await snapshot()
    assert database.sqlite_path
    with closing(sqlite3.connect(database.sqlite_path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(LegacyError, match="nothing was imported: The database is busy"):
            await import_rows(rows)
    assert await snapshot() == before
