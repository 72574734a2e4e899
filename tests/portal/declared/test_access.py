"""A service account is access to the cluster."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models import AccessState, Database, ServiceAccount, User
from tests.portal.declared.state import Declare

pytestmark = pytest.mark.database


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AccessState.NEW, AccessState.NEW),
        (AccessState.REQUESTED, AccessState.REQUESTED),
        (AccessState.REJECTED, AccessState.REJECTED),
        (AccessState.APPROVED, AccessState.NEW),
    ],
)
async def test_a_service_account_is_access_and_none_takes_only_that_away(
    database: Database, declare: Declare, before: AccessState, after: AccessState
) -> None:
    await User.create(username="alice", access_state=before)
    await declare("users: [{username: alice, serviceAccount: null}]")
    assert (await User.get()).access_state == after
    await declare("users: [{username: alice, serviceAccount: {namespace: a, name: b.c}}]")
    assert (await User.get()).has_access_at(datetime.now(UTC))


async def test_declared_access_does_not_expire(database: Database, declare: Declare) -> None:
    await User.create(username="alice", access_expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    said = await declare("users: [{username: alice, serviceAccount: {namespace: a, name: b}}]")
    assert 'accessExpiresAt "2020-01-01 00:00:00+00:00" → none' in said
    assert (await User.get()).has_access_at(datetime.now(UTC))


async def test_a_service_account_is_made_once_for_all_its_users(
    database: Database, declare: Declare
) -> None:
    account = "serviceAccount: {namespace: shared, name: default}"
    await declare(f"users: [{{username: a, {account}}}, {{username: b, {account}}}]")
    await declare(f"users: [{{username: c, {account}}}]")
    assert await ServiceAccount.all().count() == 1
    assert await User.filter(service_account__namespace="shared").count() == 3
