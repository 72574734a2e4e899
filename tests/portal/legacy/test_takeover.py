"""What the former portal has is here afterwards, under the same ids."""

from __future__ import annotations

from datetime import timedelta

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
from tests.callers import Clock
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    JOINED,
    Rows,
)
from tests.portal.legacy.state import groups_of


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
