"""Who reads which events, by which filters, and that nothing in them does harm."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from models import AuditActor, AuditEvent, AuditKind, Database, User
from resolvers.audit import record
from tests.callers import Caller, People
from tests.schema.audit.calls import ALL, events, global_id, own_events
from tests.schema.management.calls import done
from tests.statements import recorded_statements

pytestmark = pytest.mark.database

HOUR = timedelta(hours=1)
HOSTILE = "a\r\nb\x00c\u202egnp.exe\x1b[2J\ud800\u2028" + "x" * 1000
SHOWN = "a\\r\\nb\\x00c\\u202egnp.exe\\x1b[2J\\ud800\\u2028"

CHANGES: dict[str, Callable[[AuditEvent], Awaitable[object]]] = {
    "save": lambda event: event.save(),
    "update": lambda event: AuditEvent.filter(id=event.id).update(actor_name="somebody else"),
    "delete": lambda event: event.delete(),
    "delete all": lambda _: AuditEvent.all().delete(),
    "replace": lambda event: overwrite(event),
}
COLUMNS = ("id", "happened_at", "kind", "outcome", "actor_type", "details")


async def overwrite(event: AuditEvent) -> None:
    """As each of the databases lets an insertion change what is there."""
    connection = AuditEvent._meta.db
    columns = ", ".join(COLUMNS)
    same = f"INTO audit_events ({columns}) SELECT {columns} FROM audit_events"  # noqa: S608
    if connection.capabilities.dialect == "sqlite":
        await connection.execute_query(f"INSERT OR REPLACE {same}")
    else:
        forged = "ON CONFLICT (id) DO UPDATE SET actor_name = 'somebody else'"
        await connection.execute_query(f"INSERT {same} {forged}")


async def kinds(caller: Caller, **wanted: Any) -> list[str]:
    return [event["kind"] for event in await events(caller, **wanted)]


async def test_administrators_narrow_the_events_down(
    admin: Caller, bob: Caller, people: People
) -> None:
    await done(admin, "setPassword", databaseId=people.carol.id, password="a walk at the sea")
    await done(admin, "createGroup", name="Testers")
    group = (await events(admin))[0]["subjectId"]
    await record(AuditActor.OPERATOR, AuditKind.LEGACY_IMPORTED)
    admin_id, carol = global_id("User", people.admin.id), global_id("User", people.carol.id)
    now = datetime.now(UTC)
    everything = ["LEGACY_IMPORTED", "GROUP_CREATED", "PASSWORD_SET", "SIGN_IN", "SIGN_IN"]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, everything),
        ({"actor": admin_id}, ["GROUP_CREATED", "PASSWORD_SET", "SIGN_IN"]),
        ({"actor": admin_id, "kinds": ["GROUP_CREATED"]}, ["GROUP_CREATED"]),
        ({"kinds": ["LEGACY_IMPORTED", "PASSWORD_SET"]}, ["LEGACY_IMPORTED", "PASSWORD_SET"]),
        ({"kinds": []}, []),
        ({"actorType": "OPERATOR"}, ["LEGACY_IMPORTED"]),
        ({"subject": carol}, ["PASSWORD_SET"]),
        ({"subject": group}, ["GROUP_CREATED"]),
        ({"outcome": "REFUSED"}, []),
        ({"since": (now - HOUR).isoformat()}, everything),
        ({"since": (now + HOUR).isoformat()}, []),
        ({"until": (now - HOUR).isoformat()}, []),
        ({"until": (now + HOUR).isoformat()}, everything),
    ]
    for wanted, expected in cases:
        assert await kinds(admin, **wanted) == expected, wanted


async def test_events_come_in_pages(admin: Caller, alice: Caller, bob: Caller) -> None:
    page = (await admin.data(ALL, first=2))["admin"]["auditEvents"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, True)
    after = page["pageInfo"]["endCursor"]
    rest = (await admin.data(ALL, first=2, after=after))["admin"]["auditEvents"]
    names = [edge["node"]["actorName"] for edge in page["edges"] + rest["edges"]]
    assert names == ["bob", "Alice", "admin"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor", "nonsense"),
        ("actor", global_id("Group", 1)),
        ("subject", global_id("Session", 1)),
        ("subject", global_id("User", 2**40)),
    ],
)
async def test_a_bad_filter_is_named(admin: Caller, field: str, value: str) -> None:
    [error] = (await admin.graphql(ALL, filter={field: value}))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert [each["field"] for each in error["extensions"]["fields"]] == [field]


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00", "2026-01-01", "soon", "", 1767225600])
async def test_timestamp_requires_time_zone(admin: Caller, moment: object) -> None:
    [error] = (await admin.graphql(ALL, filter={"since": moment}))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "Give a date and time with its offset" in error["message"]


async def test_sr40_users_read_only_their_own_events(
    admin: Caller, bob: Caller, alice: Caller, people: People
) -> None:
    await done(admin, "addGroupMembers", databaseId=people.operators.id, users=[people.bob.id])
    await done(admin, "removeGroupMembers", databaseId=people.operators.id, users=[people.bob.id])
    assert [event["kind"] for event in await own_events(bob)] == [
        "MEMBER_REMOVED",
        "MEMBER_ADDED",
        "SIGN_IN",
    ]
    assert [event["kind"] for event in await own_events(alice)] == ["SIGN_IN"]
    others = """query ($id: Int!) { admin { user(databaseId: $id) {
      auditEvents { totalCount } } } }"""
    assert await admin.codes(others, id=people.bob.id) == ["FORBIDDEN"]


async def test_administrator_addresses_are_private(
    admin: Caller, bob: Caller, people: People
) -> None:
    await done(admin, "addGroupMembers", databaseId=people.developers.id, users=[people.bob.id])
    added, signed_in = await own_events(bob)
    assert (added["actorName"], added["address"], added["client"]) == ("admin", None, None)
    assert signed_in["address"] == "127.0.0.1"
    node = "query ($id: ID!) { node(id: $id) { ... on AuditEvent { kind address } } }"
    assert (await bob.data(node, id=added["id"]))["node"]["address"] is None
    assert (await admin.data(node, id=added["id"]))["node"] == {
        "kind": "MEMBER_ADDED",
        "address": "127.0.0.1",
    }


async def test_event_outlives_its_subject(admin: Caller, bob: Caller, people: People) -> None:
    before = await events(admin, actor=global_id("User", people.bob.id))
    await done(admin, "deleteUser", databaseId=people.bob.id, version=1)
    assert await events(admin, actor=global_id("User", people.bob.id)) == before
    assert before[0]["actorName"] == "bob"


@pytest.mark.parametrize("change", CHANGES)
async def test_sr40_the_database_refuses_to_change_events(
    database: Database, people: People, change: str
) -> None:
    await record(AuditActor.OPERATOR, AuditKind.USER_CREATED, people.bob)
    [before] = await AuditEvent.all().values()
    event = await AuditEvent.get()
    event.actor_name = "somebody else"
    with pytest.raises(IntegrityError, match="append-only"):
        await CHANGES[change](event)
    assert await AuditEvent.all().values() == [before]


async def test_sr40_hostile_texts_are_escaped(
    admin: Caller, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    user = User(id=7, username=HOSTILE)
    with caplog.at_level(logging.INFO, "kubeportal.audit"):
        await record(AuditActor.OPERATOR, AuditKind.USER_CREATED, user, names=[{"x": HOSTILE}])
    [newest, *_] = await events(admin)
    assert newest["subjectName"].startswith(SHOWN)
    assert len(newest["subjectName"]) == 150
    assert newest["details"]["names"][0]["x"].startswith(SHOWN)
    [line] = [entry.getMessage() for entry in caplog.records if "OPERATOR" in entry.getMessage()]
    assert line.isprintable()
    logged = json.loads(line)
    assert logged["subject"] == {"type": "User", "id": 7, "name": newest["subjectName"]}
    assert (logged["kind"], logged["outcome"]) == ("USER_CREATED", "SUCCEEDED")


async def test_a_user_agent_can_not_forge_a_line(
    anonymous: Caller, alice: Caller, admin: Caller
) -> None:
    forged = b'curl\x9b31m\xc2\x85 {"kind": "SIGN_IN"}' + b"x" * 1000
    query = 'mutation { login(input: {username: "alice", password: "x"}) { errors { code } } }'
    headers = {"User-Agent": forged}
    await anonymous.client.post("/graphql", json={"query": query}, headers=headers)  # type: ignore[arg-type]
    [newest, *_] = await events(admin)
    assert newest["client"].startswith("curl\\x9b31m")
    assert newest["client"].isprintable()
    assert len(newest["client"]) == 200


async def test_reading_leaves_no_event(admin: Caller, alice: Caller) -> None:
    before = await AuditEvent.all().count()
    await own_events(alice)
    await events(admin)
    with recorded_statements() as few:
        await own_events(alice)
    for _ in range(20):
        await record(AuditActor.OPERATOR, AuditKind.USER_CHANGED, await User.get(username="Alice"))
    with recorded_statements() as many:
        assert len(await own_events(alice)) > 20
    assert len(many) == len(few)
    assert await AuditEvent.all().count() == before + 20
