"""A service account is access to the cluster."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models import AccessRequestState, AccessState, Database, ServiceAccount, User
from models.access import AccessRequest
from tests.portal.declared.state import Declare


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AccessState.NEW, AccessState.NEW),
        (AccessState.REQUESTED, AccessState.REQUESTED),
        (AccessState.REJECTED, AccessState.REJECTED),
        (AccessState.APPROVED, AccessState.NEW),
    ],
)
async def test_service_account_is_access_and_null_revokes_it(
    database: Database, declare: Declare, before: AccessState, after: AccessState
) -> None:
    await User.create(username="alice", access_state=before)
    await declare("users: [{username: alice, serviceAccount: null}]")
    assert (await User.get()).access_state == after
    await declare("users: [{username: alice, serviceAccount: {namespace: a, name: b.c}}]")
    assert (await User.get()).has_access_at(datetime.now(UTC))


async def test_declared_access_does_not_expire(database: Database, declare: Declare) -> None:
    account = await ServiceAccount.create(namespace="a", name="b")
    await User.create(
        username="alice",
        access_state=AccessState.APPROVED,
        service_account=account,
        access_expires_at=datetime(2020, 1, 1, tzinfo=UTC),
    )
    text = "users: [{username: alice, serviceAccount: {namespace: a, name: b}}]"
    diff = await declare(text)
    assert "serviceAccount a:b until 2020-01-01 00:00:00+00:00 → a:b" in diff
    assert (await User.get()).has_access_at(datetime.now(UTC))
    assert await declare(text) == "Nothing to change."


async def test_users_share_a_service_account(database: Database, declare: Declare) -> None:
    account = "serviceAccount: {namespace: shared, name: default}"
    await declare(f"users: [{{username: a, {account}}}, {{username: b, {account}}}]")
    await declare(f"users: [{{username: c, {account}}}]")
    assert await ServiceAccount.all().count() == 1
    assert await User.filter(service_account__namespace="shared").count() == 3


async def test_access_has_a_history(database: Database, declare: Declare) -> None:
    await declare("users: [{username: alice, serviceAccount: {namespace: a, name: b}}]")
    assert (await AccessRequest.get()).state == AccessRequestState.APPROVED
    await declare("users: [{username: alice, serviceAccount: null}]")
    assert (await AccessRequest.get()).state == AccessRequestState.REVOKED


async def test_operator_may_name_a_system_namespace(database: Database, declare: Declare) -> None:
    await declare("users: [{username: a, serviceAccount: {namespace: kube-system, name: a}}]")
    assert await ServiceAccount.exists(namespace="kube-system")
