"""What people, administrators and the passing of time do is in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cluster.cluster import Clusters
from models import AuditEvent, Membership, Session, User
from resolvers.access import expire_access
from tests.callers import Caller, Clock, People
from tests.issuing import IssuingCluster
from tests.provisioned import Provisioned
from tests.schema.access.calls import APPROVE, REJECT, REQUEST, REVOKE
from tests.schema.audit.calls import events, global_id
from tests.schema.management.calls import answer, done
from tests.stand_in import clusters_of

pytestmark = pytest.mark.database

Event = tuple[str, str, dict[str, Any]]
Changes = Callable[[People], dict[str, Any]]

OPERATORS = {"id": 4, "name": "Operators", "canAdmin": True}
NEW_USER = {"username": "dora", "isSuperuser": True, "password": "a long walk at the sea"}
CLOSING = {"isActive": False, "comments": "Left"}
RENAMING = {"name": "Coders", "canAdmin": True}

# the mutation, its input, and the events: kind, subject by its name before, details
BY_ADMINISTRATORS: list[tuple[str, Changes, list[Event]]] = [
    (
        "createUser",
        lambda _: NEW_USER,
        [
            (
                "USER_CREATED",
                "dora",
                {"values": {"isActive": True, "isSuperuser": True, "username": "dora"}},
            )
        ],
    ),
    (
        "updateUserAsAdmin",
        lambda people: {"databaseId": people.bob.id, "version": 1, **CLOSING},
        [
            ("SESSION_ENDED", "bob", {"count": 1}),
            (
                "USER_CHANGED",
                "bob",
                {
                    "fields": ["comments", "isActive"],
                    "values": {"isActive": {"from": True, "to": False}},
                },
            ),
        ],
    ),
    (
        "deleteUser",
        lambda people: {"databaseId": people.bob.id, "version": 1},
        [("USER_DELETED", "bob", {"isSuperuser": False})],
    ),
    (
        "setPassword",
        lambda people: {"databaseId": people.bob.id, "password": NEW_USER["password"]},
        [("SESSION_ENDED", "bob", {"count": 1}), ("PASSWORD_SET", "bob", {})],
    ),
    (
        "resetSessions",
        lambda people: {"databaseId": people.bob.id},
        [("SESSION_ENDED", "bob", {"count": 1})],
    ),
    (
        "createGroup",
        lambda _: {"name": "Testers"},
        [
            (
                "GROUP_CREATED",
                "Testers",
                {"values": {"canAdmin": False, "membership": "MANUAL", "name": "Testers"}},
            )
        ],
    ),
    (
        "updateGroup",
        lambda people: {"databaseId": people.developers.id, "version": 1, **RENAMING},
        [
            (
                "GROUP_CHANGED",
                "Coders",
                {
                    "fields": ["canAdmin", "name"],
                    "values": {
                        "canAdmin": {"from": False, "to": True},
                        "name": {"from": "Developers", "to": "Coders"},
                    },
                },
            )
        ],
    ),
    (
        "deleteGroup",
        lambda people: {"databaseId": people.developers.id, "version": 1},
        [("GROUP_DELETED", "Developers", {"canAdmin": False})],
    ),
    (
        "addGroupMembers",
        lambda people: {
            "databaseId": people.operators.id,
            "users": [people.bob.id, people.admin.id],
        },
        [("MEMBER_ADDED", "bob", {"group": OPERATORS})],
    ),
    (
        "removeGroupMembers",
        lambda people: {"databaseId": people.developers.id, "users": [people.alice.id]},
        [
            (
                "MEMBER_REMOVED",
                "Alice",
                {"group": {"id": 3, "name": "Developers", "canAdmin": False}},
            )
        ],
    ),
    (
        "createWebApp",
        lambda _: {"name": "Chat", "linkShow": True},
        [
            (
                "WEBAPP_CREATED",
                "Chat",
                {"values": {"linkShow": True, "name": "Chat"}},
            )
        ],
    ),
    (
        "updateWebApp",
        lambda people: {
            "databaseId": people.grafana.id,
            "version": 1,
            "linkUrl": "https://token.example.org/?secret",
        },
        [("WEBAPP_CHANGED", "Grafana", {"fields": ["linkUrl"], "values": {}})],
    ),
    (
        "deleteWebApp",
        lambda people: {"databaseId": people.grafana.id, "version": 1},
        [("WEBAPP_DELETED", "Grafana", {})],
    ),
    (
        "grantWebApps",
        lambda people: {
            "databaseId": people.operators.id,
            "webapps": [people.grafana.id],
        },
        [("WEBAPP_GRANTED", "Grafana", {"group": OPERATORS})],
    ),
    (
        "withdrawWebApps",
        lambda people: {"databaseId": people.developers.id, "webapps": [people.hidden.id]},
        [
            (
                "WEBAPP_WITHDRAWN",
                "Hidden",
                {"group": {"id": 3, "name": "Developers", "canAdmin": False}},
            )
        ],
    ),
]
CREATE_TOKEN = """mutation { createPersonalAccessToken(input: {name: "ci", scopes: [READ]}) {
  personalAccessToken { id } errors { message } } }"""
DELETE_TOKEN = """mutation ($id: ID!) { deletePersonalAccessToken(input: {id: $id}) {
  errors { message } } }"""
UPDATE = """mutation ($id: Int!) { updateUser(input: {databaseId: $id, firstName: "Bobby"}) {
  errors { message } } }"""
PASSWORD = """mutation ($current: String!) { changePassword(
  input: {currentPassword: $current, newPassword: "a long walk at the sea"}) {
    errors { code } } }"""
KUBECONFIG = "{ viewer { kubeconfig } }"


@pytest.fixture
def clusters(request: pytest.FixtureRequest, clock: Clock) -> Clusters:
    if "access" in request.node.name:
        return clusters_of(Provisioned("main"))
    return Clusters([IssuingCluster(clock).as_cluster()])


async def recorded_events(admin: Caller, before: int) -> list[Event]:
    """What has happened since there were so many events, the newest first."""
    found = (await events(admin))[: await AuditEvent.all().count() - before]
    return [(event["kind"], event["subjectName"], event["details"]) for event in found]


@pytest.mark.parametrize(
    ("mutation", "values", "expected"),
    BY_ADMINISTRATORS,
    ids=[mutation for mutation, _, _ in BY_ADMINISTRATORS],
)
async def test_sr40_administrator_changes_are_recorded(
    admin: Caller,
    bob: Caller,
    people: People,
    mutation: str,
    values: Changes,
    expected: list[Event],
) -> None:
    before = await AuditEvent.all().count()
    await done(admin, mutation, **values(people))
    assert await recorded_events(admin, before) == expected
    [newest, *_] = await events(admin)
    assert (newest["actorType"], newest["actorName"]) == ("USER", "admin")
    assert newest["actorId"] == global_id("User", people.admin.id)
    assert (newest["outcome"], newest["address"]) == ("SUCCEEDED", "127.0.0.1")


async def test_refused_change_leaves_no_event(admin: Caller, people: People) -> None:
    before = await AuditEvent.all().count()
    developers, operators = people.developers.id, people.operators.id
    futile: dict[str, dict[str, Any]] = {
        "updateGroup": {"databaseId": operators, "version": 1, "canAdmin": False},
        "deleteGroup": {"databaseId": operators, "version": 1},
        "removeGroupMembers": {"databaseId": operators, "users": [people.admin.id]},
        "updateWebApp": {"databaseId": people.grafana.id, "version": 7, "name": "Other"},
        "addGroupMembers": {"databaseId": developers, "users": [people.alice.id]},
        "grantWebApps": {"databaseId": developers, "webapps": [people.grafana.id]},
    }
    same = {"databaseId": people.grafana.id, "version": 1, "name": people.grafana.name}
    for mutation, values in futile.items():
        await answer(admin, mutation, **values)
    await done(admin, "updateWebApp", **same)
    await done(admin, "updateUserAsAdmin", databaseId=people.bob.id, version=1, isActive=True)
    await done(admin, "updateGroup", databaseId=developers, version=1, canAdmin=False)
    await admin.data("mutation { endOtherSessions { endedCount } }")
    assert await recorded_events(admin, before) == []


async def test_sr40_unchanged_names_are_not_recorded(
    admin: Caller, bob: Caller, people: People
) -> None:
    before = await AuditEvent.all().count()
    for _ in range(3):
        assert (await bob.data(UPDATE, id=people.bob.id))["updateUser"]["errors"] == []
    assert [kind for kind, _, _ in await recorded_events(admin, before)] == ["USER_CHANGED"]
    assert (await User.get(id=people.bob.id)).version == 2


async def test_change_and_event_are_atomic(
    admin: Caller, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise OSError("full")

    monkeypatch.setattr(AuditEvent, "save", fail)
    monkeypatch.setattr(AuditEvent, "bulk_create", fail)
    await admin.graphql("mutation { logout { errors { code } } }")
    await admin.graphql('mutation { createGroup(input: {name: "Testers"}) { errors { code } } }')
    monkeypatch.undo()
    assert await Session.filter(user_id=people.admin.id).count() == 1
    assert "Testers" not in {group["name"] for group in await groups_of(admin)}


async def groups_of(admin: Caller) -> list[dict[str, Any]]:
    found = await admin.data("{ admin { groups { edges { node { name } } } } }")
    return [edge["node"] for edge in found["admin"]["groups"]["edges"]]


async def test_sr40_own_account_changes_are_recorded(
    admin: Caller, anonymous: Caller, bob: Caller, people: People
) -> None:
    before = await AuditEvent.all().count()
    made = (await bob.data(CREATE_TOKEN))["createPersonalAccessToken"]["personalAccessToken"]
    await bob.data(DELETE_TOKEN, id=made["id"])
    await bob.data(UPDATE, id=people.bob.id)
    await anonymous.sign_in("bob", "correct horse")
    await bob.data("mutation { endOtherSessions { endedCount } }")
    await bob.data(PASSWORD, current="wrong horse")
    await bob.data(PASSWORD, current="correct horse")
    await bob.data("mutation { logout { errors { code } } }")
    assert [(kind, details) for kind, _, details in await recorded_events(admin, before)] == [
        ("SESSION_ENDED", {"count": 1}),
        ("PASSWORD_CHANGED", {}),
        ("PASSWORD_CHANGED", {}),
        ("SESSION_ENDED", {"count": 1}),
        ("SIGN_IN", {"method": "PASSWORD"}),
        ("USER_CHANGED", {"fields": ["firstName"], "values": {}}),
        ("TOKEN_DELETED", {"name": "ci"}),
        ("TOKEN_CREATED", {"name": "ci", "scopes": ["READ"]}),
    ]
    [changed, refused] = await events(admin, kinds=["PASSWORD_CHANGED"])
    assert (changed["outcome"], refused["outcome"]) == ("SUCCEEDED", "REFUSED")


async def test_sr40_credential_issue_is_recorded_once(admin: Caller, alice: Caller) -> None:
    for _ in range(2):
        await alice.data(KUBECONFIG)
    [event] = await events(admin, kinds=["CREDENTIAL_ISSUED"])
    assert event["subjectName"] == "Alice"
    fingerprint = event["details"].pop("fingerprint")
    assert event["details"] == {
        "form": "KUBECONFIG",
        "cluster": "north",
        "namespace": "team-alice",
        "serviceAccount": "alice",
    }
    recorded = "{ viewer { credentialIssues { edges { node { fingerprint } } } } }"
    issues = (await alice.data(recorded))["viewer"]["credentialIssues"]["edges"]
    assert issues == [{"node": {"fingerprint": fingerprint}}]


async def test_sr40_access_decisions_are_recorded(
    admin: Caller, bob: Caller, people: People, clock: Clock
) -> None:
    before = await AuditEvent.all().count()
    about_bob = {"databaseId": people.bob.id}
    end = (clock.now + timedelta(hours=1)).isoformat()
    place = {"namespace": "team-bob", "groups": [people.developers.id], "expiresAt": end}
    for _ in range(2):
        await bob.data(REQUEST, input={"reason": "Thesis"})
    await admin.data(REJECT, input=about_bob)
    await bob.data(REQUEST, input={"reason": "Really"})
    for _ in range(2):
        await admin.data(APPROVE, input=about_bob | place)
    await admin.data(REVOKE, input=about_bob)
    found = await recorded_events(admin, before)
    assert [(kind, subject) for kind, subject, _ in found] == [
        ("BINDINGS_REMOVED", "bob"),
        ("ACCESS_REVOKED", "bob"),
        ("ACCESS_APPROVED", "bob"),
        ("MEMBER_ADDED", "bob"),
        ("ACCESS_REQUESTED", "bob"),
        ("ACCESS_REJECTED", "bob"),
        ("ACCESS_REQUESTED", "bob"),
    ]
    approved = found[2][2]
    assert (approved["namespace"], approved["expiresAt"]) == ("team-bob", end)


async def test_sr40_expiry_is_recorded_without_actor(
    admin: Caller, alice: Caller, people: People, clock: Clock
) -> None:
    await User.filter(id=people.alice.id).update(access_expires_at=clock.now)
    for _ in range(2):
        await expire_access(clock.now)
    [event] = await events(admin, kinds=["ACCESS_EXPIRED"])
    assert (event["actorType"], event["actorId"], event["actorName"]) == ("NOBODY", None, "")
    assert (event["subjectName"], event["address"]) == ("Alice", "")
    assert await Membership.filter(user_id=people.alice.id).exists()
