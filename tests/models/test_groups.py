from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models import (
    AccessState,
    Database,
    EffectiveMembership,
    Group,
    GroupMembership,
    Membership,
    ServiceAccount,
    User,
)

pytestmark = pytest.mark.database


async def members(group: Group) -> list[str]:
    rows = await EffectiveMembership.filter(group=group).select_related("user").order_by("user_id")
    return [row.user.username for row in rows]


async def test_a_manual_group_has_whom_it_was_given(database: Database) -> None:
    alice, _ = await User.create(username="alice"), await User.create(username="bob")
    group = await Group.create(name="Developers")
    await Membership.create(user=alice, group=group)
    assert await members(group) == ["alice"]


async def test_new_user_is_in_all_users(database: Database) -> None:
    group = await Group.create(name="Everyone", membership=GroupMembership.ALL_USERS)
    alice = await User.create(username="alice")
    await User.create(username="bob", is_active=False)
    assert await members(group) == ["alice", "bob"]
    await alice.delete()
    assert await members(group) == ["bob"]


@pytest.mark.parametrize("state", list(AccessState))
@pytest.mark.parametrize("has_account", [True, False])
async def test_cluster_users_are_approved_with_an_account(
    database: Database, state: AccessState, has_account: bool
) -> None:
    group = await Group.create(name="Cluster", membership=GroupMembership.CLUSTER_USERS)
    account = await ServiceAccount.create(namespace="default", name="default")
    user = await User.create(
        username="alice", access_state=state, service_account=account if has_account else None
    )
    expected = state is AccessState.APPROVED and has_account
    assert await members(group) == (["alice"] if expected else [])
    assert user.has_access_at(datetime.now(UTC)) == expected


async def test_expired_access_ends_membership(database: Database) -> None:
    group = await Group.create(name="Cluster", membership=GroupMembership.CLUSTER_USERS)
    account = await ServiceAccount.create(namespace="default", name="default")
    now = datetime.now(UTC)
    for name, minutes in (("alice", -1), ("bob", 1)):
        await User.create(
            username=name,
            access_state=AccessState.APPROVED,
            access_expires_at=now + timedelta(minutes=minutes),
            service_account=account,
        )
    assert await members(group) == ["bob"]


async def test_access_ends_at_the_moment_that_was_set(database: Database) -> None:
    account = await ServiceAccount.create(namespace="default", name="default")
    end = datetime.now(UTC)
    user = User(
        username="alice",
        access_state=AccessState.APPROVED,
        access_expires_at=end,
        service_account=account,
    )
    before = end - timedelta(seconds=1)
    assert (user.has_access_at(before), user.has_access_at(end)) == (True, False)
    assert user.access_state_at(before) is AccessState.APPROVED
    assert user.access_state_at(end) is AccessState.NEW
    user.access_state = AccessState.REQUESTED
    assert user.access_state_at(end) is AccessState.REQUESTED


async def test_members_follow_changes(database: Database) -> None:
    account = await ServiceAccount.create(namespace="default", name="default")
    await User.create(username="bob")
    await User.create(username="alice", access_state=AccessState.APPROVED, service_account=account)
    group = await Group.create(name="Changing", membership=GroupMembership.CLUSTER_USERS)
    assert await members(group) == ["alice"]
    await account.delete()
    assert await members(group) == []
    await Group.filter(id=group.id).update(membership=GroupMembership.ALL_USERS)
    assert await members(group) == ["bob", "alice"]


async def test_automatic_group_lists_a_member_once(database: Database) -> None:
    group = await Group.create(name="Everyone", membership=GroupMembership.ALL_USERS)
    await Membership.create(user=await User.create(username="alice"), group=group)
    assert await members(group) == ["alice"]
