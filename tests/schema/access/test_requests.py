"""Asking for access."""

from __future__ import annotations

import asyncio

import pytest

from models import AccessRequest
from tests.callers import Caller, Clock, People
from tests.schema.access.calls import REJECT, REQUEST, REQUESTS, VIEWER, asked, done, refusal


async def test_a_request_waits_for_the_administrators(
    bob: Caller, admin: Caller, people: People, clock: Clock
) -> None:
    payload = await done(bob, REQUEST, reason="  For my thesis\nand more ")
    shown = {"state": "OPEN", "reason": "For my thesis\nand more"}
    assert payload["user"] == {"accessState": "REQUESTED", "accessRequest": shown}
    assert payload["accessRequest"] == shown
    requests = (await admin.data(REQUESTS, state="OPEN"))["admin"]["accessRequests"]
    assert [edge["node"]["user"]["username"] for edge in requests["edges"]] == ["bob"]
    viewer = (await bob.data(VIEWER))["viewer"]
    assert viewer["accessRequest"]["createdAt"] == clock.now.isoformat()
    assert viewer["accessRequest"]["decidedAt"] is None


async def test_repeated_request_updates_the_reason(bob: Caller) -> None:
    await asked(bob, "First")
    await asked(bob, "Second")
    assert [request.reason for request in await AccessRequest.all()] == ["Second"]


async def test_concurrent_requests_are_one(bob: Caller) -> None:
    await asyncio.gather(*(asked(bob, str(number)) for number in range(5)))
    assert await AccessRequest.all().count() == 1


async def test_after_a_rejection_one_may_ask_again(
    bob: Caller, admin: Caller, people: People
) -> None:
    await asked(bob, "First")
    await done(admin, REJECT, databaseId=people.bob.id)
    await asked(bob, "Second")
    viewer = (await bob.data(VIEWER))["viewer"]
    assert viewer["accessState"] == "REQUESTED"
    assert (viewer["accessRequest"]["reason"], viewer["accessRequest"]["state"]) == (
        "Second",
        "OPEN",
    )
    assert [row.state for row in await AccessRequest.all().order_by("id")] == ["REJECTED", "OPEN"]


async def test_request_with_access_is_refused(alice: Caller) -> None:
    code, field, _ = await refusal(alice, REQUEST, reason="More")
    assert (code, field) == ("BAD_USER_INPUT", None)
    viewer = (await alice.data(VIEWER))["viewer"]
    assert viewer["accessState"] == "APPROVED"
    assert viewer["serviceAccount"] == {"qualifiedName": "team-alice:alice"}


@pytest.mark.parametrize("reason", ["", " \n", "x" * 1001, "a\0b", "a\x1bb"], ids=ascii)
async def test_a_bad_reason_is_refused(bob: Caller, reason: str) -> None:
    code, field, _ = await refusal(bob, REQUEST, reason=reason)
    assert (code, field) == ("BAD_USER_INPUT", "reason")
    assert not await AccessRequest.exists()


async def test_reason_accepts_a_thousand_characters(bob: Caller) -> None:
    reason = "✓" * 998 + "\n\t" + "x"
    assert len(reason) == 1001
    await refusal(bob, REQUEST, reason=reason)
    await asked(bob, reason[1:])
    assert (await AccessRequest.get()).reason == reason[1:]
