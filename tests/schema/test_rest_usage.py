"""Administrators see who still calls the REST API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import Database, RestUsage
from tests.callers import Caller, Clock, People

pytestmark = pytest.mark.database

USAGE = """{ admin { restUsage {
    method route document client count firstSeenAt lastSeenAt } } }"""


async def used(clock: Clock, route: str, client: str, hours: float, count: int = 1) -> None:
    await RestUsage.create(
        method="GET",
        route=route,
        document="Document",
        client=client,
        count=count,
        first_seen_at=clock() - timedelta(days=100),
        last_seen_at=clock() - timedelta(hours=hours),
    )


async def test_usage_is_listed_by_route(admin: Caller, clock: Clock) -> None:
    await used(clock, "/users/{id}/", "curl", hours=2)
    await used(clock, "/users/{id}/", "", hours=1, count=2**40)
    await used(clock, "/groups/{id}/", "https://app.example.org", hours=9)
    found = (await admin.data(USAGE))["admin"]["restUsage"]
    assert [(each["route"], each["client"], each["count"]) for each in found] == [
        ("/groups/{id}/", "https://app.example.org", 1),
        ("/users/{id}/", None, 2**40),
        ("/users/{id}/", "curl", 1),
    ]
    assert found[0] == {
        "method": "GET",
        "route": "/groups/{id}/",
        "document": "Document",
        "client": "https://app.example.org",
        "count": 1,
        "firstSeenAt": (clock() - timedelta(days=100)).isoformat(),
        "lastSeenAt": (clock() - timedelta(hours=9)).isoformat(),
    }


async def test_others_may_not_look(
    database: Database, people: People, anonymous: Caller, alice: Caller
) -> None:
    assert await anonymous.codes(USAGE) == ["UNAUTHENTICATED"]
    assert await alice.codes(USAGE) == ["FORBIDDEN"]
