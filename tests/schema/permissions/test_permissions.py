"""Every field of the schema × every kind of caller: results match the guards."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from cluster.cluster import Clusters
from cluster.facts import Facts
from models import (
    AccessRequest,
    AccessRequestState,
    AuditActor,
    AuditEvent,
    AuditKind,
    AuditOutcome,
    AuditSubject,
    CredentialIssue,
    Session,
    SignInMethod,
)
from resolvers.permissions import RULES, Permission
from tests.callers import Caller, Clock, People
from tests.issuing import IssuingCluster
from tests.schema.permissions.fields import ROOTS, Field, Guards
from tests.sockets import streamed

CAN = "query ($p: Permission!, $id: ID) { viewerCan(permission: $p, id: $id) }"

ANONYMOUS, BOB, ALICE, ADMIN = "anonymous", "bob", "alice", "admin"
EVERYONE = {ANONYMOUS, BOB, ALICE, ADMIN}
SIGNED_IN = EVERYONE - {ANONYMOUS}

# who holds it, where it is about Alice and what is hers
HOLDERS = {
    "SEE_PORTAL": EVERYONE,
    "SIGN_IN": EVERYONE,
    "COUNT_USERS": SIGNED_IN,
    "SEE_CLUSTERS": SIGNED_IN,
    "SEE_OWN_ACCOUNT": {ALICE},
    "SEE_USER": {ALICE, ADMIN},
    "UPDATE_USER": {ALICE},
    "CHANGE_PASSWORD": SIGNED_IN,
    "SEE_OWN_GROUP": {ALICE},
    "SEE_GROUP": {ALICE, ADMIN},
    "SEE_OWN_WEBAPP": {ALICE},
    "SEE_WEBAPP": {ALICE, ADMIN},
    "REQUEST_ACCESS": {BOB, ADMIN},
    "SEE_ACCESS_REQUEST": {ALICE, ADMIN},
    "DECIDE_ACCESS": {ADMIN},
    "ISSUE_CREDENTIALS": {ALICE},
    "SEE_CREDENTIAL_ISSUE": {ALICE, ADMIN},
    "LIST_CREDENTIAL_ISSUES": {ALICE},
    "SEE_AUDIT_EVENT": {ALICE, ADMIN},
    "LIST_AUDIT_EVENTS": {ALICE},
    "SEE_SESSIONS": {ALICE, ADMIN},
    "END_SESSIONS": {ALICE, ADMIN},
    "END_OTHER_SESSIONS": SIGNED_IN,
    "CREATE_TOKEN": SIGNED_IN,
    "ADMINISTRATE": {ADMIN},
    "MANAGE_USERS": {ADMIN},
    "SET_PASSWORD": {ADMIN},
    "MANAGE_GROUPS": {ADMIN},
    "MANAGE_WEBAPPS": {ADMIN},
}
DENIALS = {"UNAUTHENTICATED", "FORBIDDEN"}
OTHER_DENIALS = {
    "REQUEST_ACCESS": {"BAD_USER_INPUT"},  # who has access makes a mistake, and lacks no right
    "SEE_CREDENTIAL_ISSUE": {"NOT_FOUND"},  # nobody learns which records there are
    "SEE_AUDIT_EVENT": {"NOT_FOUND"},
    "END_SESSIONS": {"NOT_FOUND"},
}
# open to everyone by itself, and then it has the rule of what it finds
FINDS = {"Query.node": "SEE_USER"}

# how to reach an object of each type; nodes are reached by their global ids
USER = "node(id: $user) { ... on User { %s } }"
ACCOUNT = USER % "serviceAccount { %s }"
WAYS = {
    "Portal": "portal { %s }",
    "Cluster": "cluster { %s }",
    "Administration": "admin { %s }",
    "RestUsage": "admin { restUsage { %s } }",
    "Session": USER % "sessions { %s }",
    "PersonalAccessToken": USER % "personalAccessTokens { %s }",
    "ServiceAccount": ACCOUNT,
    "ServiceAccountToken": ACCOUNT % "token { %s }",
}
NODES = {
    "User": "$user",
    "Group": "$group",
    "WebApp": "$webapp",
    "AccessRequest": "$request",
    "CredentialIssue": "$issue",
    "AuditEvent": "$event",
}

GUARDS = Guards()


class WatchedCluster(IssuingCluster):
    async def watch_facts(self) -> AsyncGenerator[Facts, None]:
        yield self.facts


@pytest.fixture
def clusters(clock: Clock) -> Clusters:
    return Clusters([WatchedCluster(clock).as_cluster()])


@pytest.fixture
def callers(anonymous: Caller, bob: Caller, alice: Caller, admin: Caller) -> dict[str, Caller]:
    return {ANONYMOUS: anonymous, BOB: bob, ALICE: alice, ADMIN: admin}


@pytest.fixture
async def ids(people: People, clock: Clock) -> dict[str, str]:
    """Global ids of what is Alice's, by the name of a variable."""
    request = await AccessRequest.create(
        user=people.alice, reason="", created_at=clock.now, state=AccessRequestState.APPROVED
    )
    issue = await CredentialIssue.create(
        user=people.alice,
        username="Alice",
        session_id="a0a0a0a0-0000-4000-8000-000000000000",
        kind="TOKEN",
        cluster="north",
        namespace="team-alice",
        service_account="alice",
        fingerprint="0" * 64,
        address="",
        client="",
        issued_at=datetime.now(UTC),
    )
    event = await AuditEvent.create(
        kind=AuditKind.SIGN_IN,
        outcome=AuditOutcome.REFUSED,
        actor_type=AuditActor.NOBODY,
        subject_type=AuditSubject.USER,
        subject_id=people.alice.id,
    )
    rows = {
        "User": people.alice.id,
        "Group": people.developers.id,
        "WebApp": people.grafana.id,
        "AccessRequest": request.id,
        "CredentialIssue": issue.id,
        "AuditEvent": event.id,
    }
    return {
        NODES[kind].removeprefix("$"): b64encode(f"{kind}:{row}".encode()).decode()
        for kind, row in rows.items()
    }


def document(field: Field, samples: dict[str, str]) -> str:
    call = GUARDS.call(field, samples)
    if field.type in NODES:
        call = f"node(id: {NODES[field.type]}) {{ ... on {field.type} {{ {call} }} }}"
    elif field.type in WAYS:
        call = WAYS[field.type] % call
    used = ", ".join(f"{name}: ID!" for name in NODES.values() if name in call)
    kind = field.type.lower() if field.type in ROOTS else "query"
    return f"{kind} {f'({used})' if used else ''} {{ {call} }}"


async def codes(caller: Caller, query: str, ids: dict[str, str]) -> set[str]:
    """All codes of an answer: of errors, and of failures that are data."""
    answer = await caller.graphql(query, **{k: v for k, v in ids.items() if f"${k}:" in query})
    found = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert "GRAPHQL_VALIDATION_FAILED" not in found, answer
    assert "INTERNAL_SERVER_ERROR" not in found, answer
    for payload in (answer.get("data") or {}).values():
        errors = payload.get("errors", ()) if isinstance(payload, dict) else ()
        found |= {error["code"] for error in errors}
    return found


def is_expected(field: Field, name: str) -> bool:
    permission = FINDS.get(field.place, field.permission)
    return name in HOLDERS[permission or ""]


def is_allowed(field: Field, found: set[str]) -> bool:
    return not found & (DENIALS | OTHER_DENIALS.get(field.permission or "", set()))


def test_every_field_has_a_permission() -> None:
    assert len(GUARDS.fields) > 100
    assert [field.place for field in GUARDS.fields if field.permission is None] == []


def test_tables_are_complete() -> None:
    assert list(HOLDERS) == [permission.value for permission in Permission]
    assert set(RULES) == set(Permission)
    reached = {field.type for field in GUARDS.fields}
    assert reached == {*ROOTS, *WAYS, *NODES}


@pytest.mark.parametrize("kind", ["Query", *WAYS, *NODES])
async def test_fields_by_caller(
    callers: dict[str, Caller], ids: dict[str, str], people: People, kind: str
) -> None:
    databases = {"group": people.developers.id, "webapp": people.grafana.id}
    wrong: list[tuple[str, str, Any]] = []
    for field in GUARDS.of(kind):
        samples = {
            "databaseId": str(databases.get(field.name, people.alice.id)),
            "id": "$user",
        }
        query = document(field, samples)
        for name, caller in callers.items():
            found = await codes(caller, query, ids)
            if is_allowed(field, found) != is_expected(field, name):
                wrong.append((field.place, name, found))
    assert wrong == []


async def session_of_alice(people: People, clock: Clock, field: Field) -> str:
    """The id of a session or a token that the mutation may end."""
    method = SignInMethod.TOKEN if "Token" in field.name else SignInMethod.PASSWORD
    kind = "PersonalAccessToken" if method == SignInMethod.TOKEN else "Session"
    session = await Session.create(
        id=uuid4(),
        user=people.alice,
        method=method,
        created_at=clock.now,
        last_used_at=clock.now,
        expires_at=clock.now + timedelta(hours=1),
    )
    return b64encode(f"{kind}:{session.id}".encode()).decode()


async def test_mutations_by_caller(
    callers: dict[str, Caller], people: People, clock: Clock
) -> None:
    database_id = str(people.alice.id)
    mutations = sorted(GUARDS.of("Mutation"), key=lambda field: field.name == "logout")
    wrong: list[tuple[str, str, Any]] = []
    for holds in (False, True):
        for name, caller in callers.items():
            for field in mutations:
                if is_expected(field, name) is not holds:
                    continue
                to_end = await session_of_alice(people, clock, field)
                about = "404" if field.name == "deleteUser" else database_id  # she is still needed
                call = GUARDS.call(field, {"databaseId": about, "id": f'"{to_end}"'})
                query = f"mutation {{ {call.replace('__typename', 'errors { code }')} }}"
                found = await codes(caller, query, {})
                if is_allowed(field, found) is not holds:
                    wrong.append((field.place, name, found))
    assert wrong == []


@pytest.mark.sockets
@pytest.mark.parametrize("field", GUARDS.of("Subscription"), ids=lambda field: field.name)
async def test_subscriptions_by_caller(callers: dict[str, Caller], field: Field) -> None:
    for name, caller in callers.items():
        async with streamed(caller, document(field, {})) as events:
            _, first = await events.receive() or ("", {})
        assert ("errors" not in first) == is_expected(field, name), name


@pytest.mark.parametrize("permission", Permission, ids=lambda permission: permission.value)
async def test_viewer_can_matches_fields(
    callers: dict[str, Caller], ids: dict[str, str], permission: Permission
) -> None:
    about = RULES[permission].about
    subject = ids[NODES[about].removeprefix("$")] if about else None
    for name, caller in callers.items():
        answer = await caller.data(CAN, p=permission.value, id=subject)
        assert answer["viewerCan"] == (name in HOLDERS[permission.value]), name
    if about:
        missing = b64encode(f"{about}:404".encode()).decode()
        answers = [(await c.data(CAN, p=permission.value, id=missing)) for c in callers.values()]
        assert not any(answer["viewerCan"] for answer in answers)


@pytest.mark.parametrize(
    ("permission", "subject"),
    [
        ("SEE_USER", None),
        ("SEE_USER", "group"),
        ("SEE_PORTAL", "user"),
        ("MANAGE_USERS", "user"),
    ],
)
async def test_viewer_can_checks_type_of_subject(
    admin: Caller, ids: dict[str, str], permission: str, subject: str | None
) -> None:
    given = ids[subject] if subject else None
    assert await admin.codes(CAN, p=permission, id=given) == ["BAD_USER_INPUT"]
