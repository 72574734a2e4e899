"""A service account is access to the cluster."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from auth.passwords import Passwords
from models import AccessRequestState, AccessState, Database, ServiceAccount, User
from models.access import AccessRequest
from portal.declared.apply import apply
from portal.declared.file import DeclarationError
from portal.declared.format import read_declaration
from resolvers.changes import WriteOptions
from resolvers.privileges import ForeignBindings
from tests.foreign import foreign_bindings
from tests.portal.declared.state import Declare, write


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AccessState.NEW, AccessState.NEW),
        (AccessState.REQUESTED, AccessState.REQUESTED),
        (AccessState.REJECTED, AccessState.REJECTED),
        (AccessState.APPROVED, AccessState.NEW),
    ],
)
async def test_service_account_is_access_until_null(
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


def giving(namespace: str, name: str = "a") -> str:
    return f"users: [{{username: a, serviceAccount: {{namespace: {namespace}, name: {name}}}}}]"


async def test_system_namespaces_take_an_option(database: Database, declare: Declare) -> None:
    with pytest.raises(DeclarationError, match="belong to Kubernetes itself"):
        await declare(giving("kube-system"))
    await declare(giving("kube-system"), system_namespaces=True)
    assert await ServiceAccount.exists(namespace="kube-system")


async def test_namespace_of_the_portal_is_refused(database: Database, declare: Declare) -> None:
    message = r"portal.yaml:1: users\[0\].serviceAccount.namespace: This is the namespace of"
    with pytest.raises(DeclarationError, match=message):
        await declare(giving("kubeportal"), portal_namespace="kubeportal")
    assert not await User.exists()


async def test_account_with_rights_elsewhere_is_refused(
    database: Database, declare: Declare
) -> None:
    bindings = foreign_bindings("robots", "cleaner")
    with pytest.raises(DeclarationError) as refusal:
        await declare(giving("robots", "cleaner"), foreign_bindings=bindings)
    assert str(refusal.value) == (
        "portal.yaml:1: users[0].serviceAccount: This service account has rights outside its"
        " namespace: ClusterRoleBinding robots (ClusterRole cluster-admin)."
    )
    await declare(giving("robots", "other"), foreign_bindings=bindings)


async def test_account_of_the_user_is_not_checked_again(
    database: Database, declare: Declare
) -> None:
    await declare(giving("robots", "cleaner"))
    bindings = foreign_bindings("robots", "cleaner")
    assert await declare(giving("robots", "cleaner"), foreign_bindings=bindings) == (
        "Nothing to change."
    )


async def test_missing_check_is_reported(
    database: Database, passwords: Passwords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bindings = ForeignBindings("No cluster is configured.")
    options = WriteOptions(now=datetime.now(UTC), google=False, foreign_bindings=bindings)
    write(giving("team"))
    applied = await apply(*read_declaration(Path("portal.yaml")), passwords, options)
    assert applied.unchecked == (
        "Rights of service accounts are checked only when a token is issued:"
        " No cluster is configured."
    )
    again = await apply(*read_declaration(Path("portal.yaml")), passwords, options)
    assert again.unchecked is None
