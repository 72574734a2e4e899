"""Who decides about access, who is first, and how access ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from models import AccessRequest, AccessState, Database, User
from resolvers.access import expire_access
from tests.callers import Caller, Clock, People
from tests.cluster.waiting import until
from tests.provisioned import Provisioned
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

pytestmark = pytest.mark.database

DECISIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "approve": (APPROVE, {"namespace": "team"}),
    "reject": (REJECT, {"reason": "No"}),
    "revoke": (REVOKE, {"reason": "No"}),
}


@pytest.mark.parametrize("decision", DECISIONS)
async def test_only_other_administrators_decide(
    anonymous: Caller,
    bob: Caller,
    alice: Caller,
    admin: Caller,
    root: Caller,
    people: People,
    decision: str,
) -> None:
    mutation, terms = DECISIONS[decision]
    await asked(bob)
    for caller, user_id, code in (
        (anonymous, people.bob.id, "UNAUTHENTICATED"),
        (bob, people.bob.id, "FORBIDDEN"),
        (alice, people.bob.id, "FORBIDDEN"),
        (admin, people.admin.id, "FORBIDDEN"),
        (root, (await User.get(username="root")).id, "FORBIDDEN"),
        (admin, 404, "NOT_FOUND"),
    ):
        refused = await refusal(caller, mutation, databaseId=user_id, **terms)
        assert refused[0] == code
    assert (await User.get(id=people.bob.id)).access_state is AccessState.REQUESTED


STATES = {
    # state: approve, reject, revoke
    AccessState.NEW: ("CONFLICT", "CONFLICT", "CONFLICT"),
    AccessState.REQUESTED: (None, None, "CONFLICT"),
    AccessState.REJECTED: ("CONFLICT", "CONFLICT", "CONFLICT"),
    AccessState.APPROVED: ("CONFLICT", "CONFLICT", None),
}


@pytest.mark.parametrize("state", STATES)
async def test_decision_requires_matching_state(
    admin: Caller, people: People, state: AccessState
) -> None:
    for decision, expected in zip(DECISIONS, STATES[state], strict=True):
        await User.filter(id=people.bob.id).update(access_state=state)
        mutation, terms = DECISIONS[decision]
        if expected is None:
            await done(admin, mutation, databaseId=people.bob.id, **terms)
        else:
            code, *_ = await refusal(admin, mutation, databaseId=people.bob.id, **terms)
            assert code == expected, decision


async def test_concurrent_decisions_have_one_winner(
    bob: Caller, admin: Caller, root: Caller, people: People, main: Provisioned
) -> None:
    await asked(bob)
    main.barrier = asyncio.Barrier(2)

    async def approve(caller: Caller, namespace: str) -> list[dict[str, Any]]:
        terms = {"databaseId": people.bob.id, "namespace": namespace}
        payload = (await caller.data(APPROVE, input=terms))["answer"]
        errors: list[dict[str, Any]] = payload["errors"]
        return errors

    outcomes = await asyncio.gather(approve(admin, "team-a"), approve(root, "team-b"))
    winner, loser = sorted(outcomes, key=len)
    assert winner == []
    [error] = loser
    assert error["code"] == "CONFLICT"
    decided = await AccessRequest.get().select_related("decided_by", "service_account")
    assert decided.decided_by is not None
    assert decided.decided_by.display_name in error["message"]
    account = (await bob.data(VIEWER))["viewer"]["serviceAccount"]
    assert decided.service_account is not None
    assert account["qualifiedName"] == f"{decided.service_account.namespace}:bob"


async def test_approval_applies_to_the_original_request(
    bob: Caller, admin: Caller, root: Caller, people: People, main: Provisioned
) -> None:
    await asked(bob, "A chat room")
    main.barrier = asyncio.Barrier(2)
    terms = {"databaseId": people.bob.id, "namespace": "team"}
    approval = asyncio.create_task(refusal(admin, APPROVE, **terms))
    await until(lambda: main.barrier and main.barrier.n_waiting)
    await done(root, REJECT, databaseId=people.bob.id)
    await asked(bob, "A coin mine")
    await main.barrier.wait()
    code, _, message = await approval
    assert (code, message) == ("CONFLICT", "Bob has asked anew: read the new request first.")
    assert (await User.get(id=people.bob.id)).access_state is AccessState.REQUESTED


async def test_approval_keeps_declared_access(
    bob: Caller, admin: Caller, people: People, main: Provisioned
) -> None:
    await asked(bob)
    main.barrier = asyncio.Barrier(2)
    terms = {"databaseId": people.bob.id, "namespace": "team"}
    approval = asyncio.create_task(refusal(admin, APPROVE, **terms))
    await until(lambda: main.barrier and main.barrier.n_waiting)
    account_id = (await User.get(id=people.alice.id)).service_account_id
    await User.filter(id=people.bob.id).update(
        access_state=AccessState.APPROVED, service_account_id=account_id
    )
    await main.barrier.wait()
    code, _, message = await approval
    assert (code, message) == ("CONFLICT", "Bob has access already.")
    assert (await User.get(id=people.bob.id)).service_account_id == account_id


async def test_concurrent_approval_and_rejection(
    bob: Caller, admin: Caller, root: Caller, people: People
) -> None:
    await asked(bob)
    answers = await asyncio.gather(
        admin.data(APPROVE, input={"databaseId": people.bob.id, "namespace": "team"}),
        root.data(REJECT, input={"databaseId": people.bob.id}),
    )
    assert sum(answer["answer"]["errors"] == [] for answer in answers) == 1
    user = await User.get(id=people.bob.id)
    assert (user.service_account_id is not None) == (user.access_state is AccessState.APPROVED)
    assert user.access_state in (AccessState.APPROVED, AccessState.REJECTED)


async def test_second_approval_changes_nothing(
    bob: Caller, admin: Caller, root: Caller, people: People, clock: Clock
) -> None:
    await asked(bob)
    terms = {"databaseId": people.bob.id, "namespace": "team", "groups": [people.developers.id]}
    first = await done(admin, APPROVE, **terms)
    clock.advance(minutes=5)
    assert await done(admin, APPROVE, **terms) == first
    code, _, message = await refusal(admin, APPROVE, **{**terms, "namespace": "other"})
    assert (code, message) == ("CONFLICT", "Access of Bob has been approved already, by admin.")
    code, _, message = await refusal(root, APPROVE, **terms)
    assert (code, message) == ("CONFLICT", "Access of Bob has been approved already, by admin.")


async def test_rejection_has_reason_and_author(
    bob: Caller, root: Caller, admin: Caller, people: People
) -> None:
    await asked(bob)
    payload = await done(root, REJECT, databaseId=people.bob.id, reason=" Not now ")
    assert payload == {
        "user": {"accessState": "REJECTED"},
        "accessRequest": {
            "state": "REJECTED",
            "decidedBy": "Rita Root",
            "decisionReason": "Not now",
        },
        "errors": [],
    }
    assert await done(root, REJECT, databaseId=people.bob.id, reason="Not now") == payload
    _, _, message = await refusal(admin, REJECT, databaseId=people.bob.id)
    assert message == "Access of Bob has been rejected already, by Rita Root."


@pytest.mark.parametrize("decision", ["reject", "revoke"])
@pytest.mark.parametrize("reason", ["x" * 1001, "a\0b"], ids=["long", "NUL"])
async def test_a_bad_reason_is_refused(
    bob: Caller, admin: Caller, people: People, decision: str, reason: str
) -> None:
    await asked(bob)
    mutation, _ = DECISIONS[decision]
    refused = await refusal(admin, mutation, databaseId=people.bob.id, reason=reason)
    assert refused[:2] == ("BAD_USER_INPUT", "reason")


async def test_withdrawal_leaves_the_cluster_unchanged(
    alice: Caller, bob: Caller, admin: Caller, people: People, main: Provisioned
) -> None:
    await asked(bob)
    terms = {"databaseId": people.bob.id, "namespace": "team", "groups": [people.developers.id]}
    await done(admin, APPROVE, **terms)
    payload = await done(admin, REVOKE, databaseId=people.bob.id, reason="Left")
    assert payload["user"] == {
        "accessState": "NEW",
        "accessExpiresAt": None,
        "serviceAccount": None,
        "groups": [{"name": "Everyone"}, {"name": "Developers"}],
    }
    ended = payload["accessRequest"]
    assert (ended["state"], ended["endedBy"], ended["endReason"], ended["namespace"]) == (
        "REVOKED",
        "admin",
        "Left",
        "team",
    )
    assert await done(admin, REVOKE, databaseId=people.bob.id, reason="Left") == payload
    assert main.accounts == {("team", "bob")}
    assert set(main.namespaces) == {"team"}
    viewer = (await bob.data(VIEWER))["viewer"]
    assert viewer["accessRequest"]["endReason"] == "Left"


async def test_access_expires_automatically(
    bob: Caller, admin: Caller, people: People, clock: Clock, database: Database
) -> None:
    await asked(bob)
    end = clock() + timedelta(hours=1)
    terms = {"databaseId": people.bob.id, "namespace": "team", "expiresAt": end.isoformat()}
    await done(admin, APPROVE, **terms)
    clock.advance(minutes=59)
    assert await expire_access(clock()) == 0
    assert (await bob.data(VIEWER))["viewer"]["accessState"] == "APPROVED"
    clock.advance(minutes=1)
    viewer = (await bob.data(VIEWER))["viewer"]
    assert (viewer["accessState"], viewer["serviceAccount"]) == ("NEW", None)
    assert sum(await asyncio.gather(expire_access(clock()), expire_access(clock()))) == 1
    viewer = (await bob.data(VIEWER))["viewer"]
    assert viewer["accessRequest"]["state"] == "EXPIRED"
    assert (await User.get(id=people.bob.id)).service_account_id is None
    await asked(bob, "Again")


async def test_requests_are_visible_to_their_owner(
    alice: Caller, bob: Caller, admin: Caller
) -> None:
    await asked(bob)
    node = "query ($id: ID!) { node(id: $id) { ... on AccessRequest { state } } }"
    viewer = (await bob.data(VIEWER))["viewer"]
    request_id = viewer["accessRequest"]["id"]
    assert viewer["accessRequest"]["user"] == {"username": "bob"}
    assert await bob.data(node, id=request_id) == {"node": {"state": "OPEN"}}
    assert await admin.data(node, id=request_id) == {"node": {"state": "OPEN"}}
    assert await alice.codes(node, id=request_id) == ["FORBIDDEN"]
    assert await bob.codes(REQUESTS) == ["FORBIDDEN"]
    assert (await admin.data(REQUESTS))["admin"]["accessRequests"]["totalCount"] == 1
    rejected = await admin.data(REQUESTS, state="REJECTED")
    assert rejected["admin"]["accessRequests"]["totalCount"] == 0
