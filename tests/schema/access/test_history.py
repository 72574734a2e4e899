"""The history of access requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models import AccessRequest, AccessState, AuditActor, EffectiveMembership, ServiceAccount, User
from resolvers.access import expire_access
from resolvers.changes import SetAccess, WriteOptions
from resolvers.writes import commit
from tests.callers import Caller, Clock, People
from tests.schema.access.calls import (
    APPROVE,
    REJECT,
    REQUESTS,
    REVOKE,
    VIEWER,
    asked,
    done,
    refusal,
)
from tests.statements import recorded_statements

pytestmark = pytest.mark.database

DECLARED = "Declared by the operator."
USERS = """
{ admin { users { edges { node { accessState accessRequest { state decidedBy namespace } } } } } }
"""


async def declared(user: User, state: AccessState, clock: Clock) -> None:
    """As `kubeportal apply` gives and takes access."""
    account = None
    if state is AccessState.APPROVED:
        account = ServiceAccount(namespace="declared", name="bob")
    change = SetAccess(await User.get(id=user.id), state, account, reason=DECLARED)
    options = WriteOptions(now=clock(), google=False)
    await commit(AuditActor.OPERATOR, [change], options)


async def test_declared_access_closes_the_open_request(
    bob: Caller, admin: Caller, people: People, clock: Clock
) -> None:
    await asked(bob)
    await declared(people.bob, AccessState.APPROVED, clock)
    _, _, message = await refusal(admin, APPROVE, databaseId=people.bob.id, namespace="team")
    assert message == "Access of Bob has been approved already, without an administrator."
    request = (await bob.data(VIEWER))["viewer"]["accessRequest"]
    assert (request["state"], request["decidedBy"]) == ("APPROVED", None)
    assert request["decisionReason"] == "Declared by the operator."
    assert request["decidedAt"] == clock.now.isoformat()


async def test_declared_removal_is_a_withdrawal(
    bob: Caller, admin: Caller, people: People, clock: Clock
) -> None:
    await asked(bob)
    await done(admin, APPROVE, databaseId=people.bob.id, namespace="team")
    await declared(people.bob, AccessState.NEW, clock)
    request = (await bob.data(VIEWER))["viewer"]["accessRequest"]
    assert (request["state"], request["decidedBy"]) == ("REVOKED", "admin")
    assert (request["endedBy"], request["endReason"]) == (None, "Declared by the operator.")


async def test_sweep_keeps_valid_access(
    alice: Caller, bob: Caller, admin: Caller, people: People, clock: Clock
) -> None:
    await asked(bob)
    before = await AccessRequest.all().values()
    assert await expire_access(clock()) == 0
    assert await AccessRequest.all().values() == before
    await done(admin, APPROVE, databaseId=people.bob.id, namespace="team")
    before = await AccessRequest.all().values()
    assert await expire_access(clock()) == 0
    assert await AccessRequest.all().values() == before
    assert (await alice.data(VIEWER))["viewer"]["accessState"] == "APPROVED"


async def test_unrequested_access_can_be_withdrawn(
    alice: Caller, admin: Caller, people: People
) -> None:
    await done(admin, REVOKE, databaseId=people.alice.id, reason="Left")
    viewer = (await alice.data(VIEWER))["viewer"]
    assert (viewer["accessState"], viewer["serviceAccount"]) == ("NEW", None)
    request = viewer["accessRequest"]
    assert (request["state"], request["endedBy"], request["endReason"]) == (
        "REVOKED",
        "admin",
        "Left",
    )
    await asked(alice, "Back again")


async def test_withdrawal_keeps_the_approver(
    bob: Caller, admin: Caller, root: Caller, people: People
) -> None:
    await asked(bob)
    await done(admin, APPROVE, databaseId=people.bob.id, namespace="team")
    await done(root, REVOKE, databaseId=people.bob.id)
    request = (await bob.data(VIEWER))["viewer"]["accessRequest"]
    assert (request["decidedBy"], request["endedBy"]) == ("admin", "Rita Root")


async def test_decision_outlives_its_author(
    bob: Caller, admin: Caller, root: Caller, people: People
) -> None:
    await asked(bob)
    await done(root, REJECT, databaseId=people.bob.id, reason="No")
    await User.filter(username="root").delete()
    request = (await bob.data(VIEWER))["viewer"]["accessRequest"]
    assert (request["decidedBy"], request["decisionReason"]) == (None, "No")
    _, _, message = await refusal(admin, APPROVE, databaseId=people.bob.id, namespace="team")
    assert message == "Access of Bob has been rejected already, without an administrator."


async def test_expired_access_ends_membership_immediately(
    bob: Caller, admin: Caller, people: People, clock: Clock
) -> None:
    await asked(bob)
    end = clock() + timedelta(hours=1)
    terms = {"databaseId": people.bob.id, "namespace": "team", "expiresAt": end.isoformat()}
    await done(admin, APPROVE, **terms)
    cluster_users = EffectiveMembership.filter(
        user_id=people.bob.id, group_id=people.cluster_users.id
    )
    assert await cluster_users.exists()
    await User.filter(id=people.bob.id).update(
        access_expires_at=datetime.now(UTC) - timedelta(seconds=2)
    )
    assert not await cluster_users.exists()
    assert (await User.get(id=people.bob.id)).access_state is AccessState.APPROVED
    names = [group["name"] for group in (await bob.data(VIEWER))["viewer"]["groups"]]
    assert names == ["Everyone"]


async def test_request_after_expiry_is_pending(
    bob: Caller, admin: Caller, people: People, clock: Clock
) -> None:
    await asked(bob)
    end = clock() + timedelta(hours=1)
    terms = {"databaseId": people.bob.id, "namespace": "team"}
    await done(admin, APPROVE, **terms, expiresAt=end.isoformat())
    clock.advance(hours=1)
    await asked(bob, "A little longer")
    states = [request.state for request in await AccessRequest.all().order_by("id")]
    assert states == ["EXPIRED", "OPEN"]
    payload = await done(admin, APPROVE, **terms)
    assert payload["user"]["accessExpiresAt"] is None


async def test_expiry_accepts_any_time_zone(
    bob: Caller, admin: Caller, people: People, clock: Clock
) -> None:
    await asked(bob)
    there = timedelta(hours=5)
    local = (clock() + timedelta(hours=1) + there).replace(tzinfo=None).isoformat() + "+05:00"
    terms = {"databaseId": people.bob.id, "namespace": "team", "expiresAt": local}
    await done(admin, APPROVE, **terms)
    assert await expire_access(clock()) == 0
    clock.advance(hours=1)
    assert await expire_access(clock()) == 1


async def test_statement_count_is_constant(
    bob: Caller, admin: Caller, people: People, clock: Clock
) -> None:
    await asked(bob)
    with recorded_statements() as few:
        await admin.data(REQUESTS)
        await admin.data(USERS)
    for number in range(10):
        user = await User.create(username=f"user-{number}")
        for _ in range(2):
            await AccessRequest.create(
                user=user, created_at=clock(), decided_by=people.admin, ended_by=people.alice
            )
    with recorded_statements() as many:
        requests = await admin.data(REQUESTS)
        users = await admin.data(USERS)
    assert requests["admin"]["accessRequests"]["totalCount"] == 21
    assert str(users).count("'decidedBy': 'admin'") == 10
    assert len(many) == len(few), many
