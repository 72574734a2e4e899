"""Listing and ending sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from models import AuditEvent, AuditKind, Session, SignInMethod, User
from tests.callers import Caller, Clock, People

SESSIONS = """{ viewer { sessions {
  id method createdAt lastUsedAt expiresAt address client isCurrent } } }"""
OF_USER = """query ($id: Int!) { admin { user(databaseId: $id) { sessions { id } } } }"""
END = "mutation ($id: ID!) { endSession(input: {id: $id}) { errors { code field } } }"
END_OTHERS = "mutation { endOtherSessions { endedCount errors { code } } }"
VIEWER = "{ viewer { username } }"
PASSWORD = "correct horse"


async def sessions(caller: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await caller.data(SESSIONS))["viewer"]["sessions"]
    return found


async def is_signed_in(caller: Caller) -> bool:
    return (await caller.data(VIEWER))["viewer"] is not None


async def end(caller: Caller, session_id: str) -> list[dict[str, Any]]:
    errors: list[dict[str, Any]] = (await caller.data(END, id=session_id))["endSession"]["errors"]
    return errors


async def test_user_sees_own_sessions(
    anonymous: Caller, alice: Caller, bob: Caller, clock: Clock
) -> None:
    phone = await Caller(anonymous.client, {"User-Agent": "phone"}).sign_in("alice", PASSWORD)
    clock.advance(minutes=5)
    here, there = await sessions(alice)
    assert (here["isCurrent"], there["isCurrent"]) == (True, False)
    assert (here["method"], there["client"], there["address"]) == (
        "PASSWORD",
        "phone",
        "127.0.0.1",
    )
    assert here["lastUsedAt"] > there["lastUsedAt"] == there["createdAt"]
    [there] = [session for session in await sessions(phone) if session["isCurrent"]]
    assert there["client"] == "phone"


async def test_ended_session_is_refused(anonymous: Caller, alice: Caller) -> None:
    other = await anonymous.sign_in("alice", PASSWORD)
    [there] = [session for session in await sessions(alice) if not session["isCurrent"]]
    assert await end(alice, there["id"]) == []
    assert not await is_signed_in(other)
    assert await is_signed_in(alice)
    assert await end(alice, there["id"]) == [{"code": "NOT_FOUND", "field": None}]


async def test_end_other_sessions(anonymous: Caller, alice: Caller, bob: Caller) -> None:
    others = [await anonymous.sign_in("alice", PASSWORD) for _ in range(2)]
    answer = await alice.data(END_OTHERS)
    assert answer["endOtherSessions"] == {"endedCount": 2, "errors": []}
    assert not any([await is_signed_in(other) for other in others])
    assert await is_signed_in(alice)
    assert await is_signed_in(bob)


async def test_only_administrators_end_sessions_of_others(
    anonymous: Caller, alice: Caller, bob: Caller, admin: Caller, people: People
) -> None:
    [own] = await sessions(alice)
    assert await end(bob, own["id"]) == [{"code": "NOT_FOUND", "field": None}]
    assert await end(anonymous, own["id"]) == [{"code": "UNAUTHENTICATED", "field": None}]
    assert await is_signed_in(alice)
    seen = await admin.data(OF_USER, id=people.alice.id)
    assert seen["admin"]["user"]["sessions"] == [{"id": own["id"]}]
    assert await end(admin, own["id"]) == []
    assert not await is_signed_in(alice)


async def test_invalid_session_id(alice: Caller) -> None:
    for nonsense in ("", "x", "U2Vzc2lvbjox", "VXNlcjox"):
        assert await end(alice, nonsense) == [{"code": "BAD_USER_INPUT", "field": "id"}]


async def test_oldest_sign_in_ends_above_100(
    anonymous: Caller, alice: Caller, bob: Caller, people: People, clock: Clock
) -> None:
    """The one that was unused for longest ends. Tokens don't count."""
    await Session.bulk_create([session_of(people.alice, clock, age) for age in range(1, 100)])
    token = session_of(people.alice, clock, 200, method=SignInMethod.TOKEN)
    await token.save(force_create=True)
    [unused] = await Session.filter(created_at=clock.now - timedelta(minutes=99))
    newest = await anonymous.sign_in("alice", "correct horse")
    assert (await newest.data("{ viewer { username } }"))["viewer"]
    assert not await Session.exists(id=unused.id)
    mine = Session.filter(user_id=people.alice.id)
    assert await mine.exclude(method=SignInMethod.TOKEN).count() == 100
    assert await Session.exists(id=token.id)
    assert await Session.exists(user_id=people.bob.id)
    event = await AuditEvent.get(kind=AuditKind.SESSION_ENDED)
    assert (event.subject_id, event.details) == (people.alice.id, {"count": 1})


def session_of(
    user: User, clock: Clock, age: int, method: SignInMethod = SignInMethod.PASSWORD
) -> Session:
    """Created and last used some minutes ago."""
    begun = clock.now - timedelta(minutes=age)
    end = clock.now + timedelta(days=1)
    times = {"created_at": begun, "last_used_at": begun, "expires_at": end}
    return Session(id=uuid4(), user=user, method=method, **times)
