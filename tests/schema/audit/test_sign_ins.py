"""Successful and failed sign-ins are in the audit log, and can not flood it."""

from __future__ import annotations

import asyncio

import pytest

from models import AttemptCount, AuditEvent
from tests.callers import Caller, Clock, People
from tests.schema.audit.calls import events

pytestmark = pytest.mark.database

LOGIN = """mutation ($username: String!, $password: String!) {
  login(input: {username: $username, password: $password}) { errors { code } } }"""
WRONG = "wrong horse"


async def login(caller: Caller, username: str, password: str = WRONG) -> str:
    payload = (await caller.data(LOGIN, username=username, password=password))["login"]
    return str(payload["errors"][0]["code"]) if payload["errors"] else "OK"


@pytest.mark.parametrize(
    ("username", "password", "outcome", "actor", "subject", "details"),
    [
        ("ALICE", "correct horse", "SUCCEEDED", "Alice", "Alice", {}),
        ("alice", WRONG, "REFUSED", "", "Alice", {"account": "OPEN"}),
        ("carol", "correct horse", "REFUSED", "", "carol", {"account": "CLOSED"}),
        ("my-password-by-mistake", WRONG, "REFUSED", "", "", {"account": "UNKNOWN"}),
        ("no\x00body", WRONG, "REFUSED", "", "", {"account": "UNKNOWN"}),
    ],
)
async def test_sr40_sign_in_records_no_unknown_name(
    anonymous: Caller,
    admin: Caller,
    username: str,
    password: str,
    outcome: str,
    actor: str,
    subject: str,
    details: dict[str, str],
) -> None:
    await login(anonymous, username, password)
    [newest, *_] = await events(admin)
    assert newest["kind"] == "SIGN_IN"
    assert newest["outcome"] == outcome
    assert newest["actorType"] == ("USER" if actor else "NOBODY")
    assert (newest["actorName"], newest["subjectName"]) == (actor, subject)
    assert newest["details"] == {"method": "PASSWORD", **details}
    assert newest["address"] == "127.0.0.1"
    if not subject:
        assert username not in str(await AuditEvent.all().values())


async def test_event_has_request_id_and_client(anonymous: Caller, admin: Caller) -> None:
    response = await anonymous.rest(
        "POST",
        "/login/",
        json={"username": "alice", "password": WRONG},
        headers={"User-Agent": "curl/8"},
    )
    [newest, *_] = await events(admin)
    assert (newest["requestId"], newest["client"]) == (response.headers["X-Request-Id"], "curl/8")


@pytest.mark.parametrize("username", ["alice", "nobody"])
async def test_sr40_limited_sign_ins_are_recorded_once(
    anonymous: Caller, admin: Caller, clock: Clock, username: str
) -> None:
    assert await login(anonymous, username) == "INVALID_CREDENTIALS"
    assert await AttemptCount.filter(key__startswith="account/", count=1).update(count=20) == 1
    before = await AuditEvent.all().count()
    answers = await asyncio.gather(*(login(anonymous, username) for _ in range(8)))
    assert set(answers) == {"RATE_LIMITED"}
    [event] = await events(admin, outcome="THROTTLED")
    assert event["subjectName"] == {"alice": "Alice"}.get(username, "")
    assert await AuditEvent.all().count() == before + 1
    clock.advance(minutes=16)
    await login(anonymous, username)
    await AttemptCount.filter(key__startswith="account/").update(count=20)
    await login(anonymous, username)
    assert len(await events(admin, outcome="THROTTLED")) == 2


async def test_limited_password_checks_are_recorded_once(
    alice: Caller, admin: Caller, people: People
) -> None:
    change = """mutation { changePassword(input: {
      currentPassword: "wrong horse", newPassword: "a long walk at the sea"}) {
        errors { code } } }"""
    for _ in range(13):
        await alice.data(change)
    found = await events(admin, kinds=["PASSWORD_CHANGED"])
    outcomes = [event["outcome"] for event in found]
    assert outcomes == ["THROTTLED", *["REFUSED"] * 10]
