"""A running portal counts who calls the REST API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers

from models import Database, RestUsage
from portal.jobs import UsageCounter
from portal.web.streams import client_name
from resolvers.rest_usage import MAXIMUM_CLIENTS, Call
from tests.callers import ORIGIN, Clock, People, called
from tests.cluster.waiting import until

pytestmark = pytest.mark.database

Counted = dict[tuple[str, str, str, str], int]
BROWSER = {"User-Agent": "Mozilla/5.0 (X11) Firefox/140.0", "Origin": ORIGIN}


async def counted() -> Counted:
    rows = await RestUsage.all()
    return {(row.method, row.route, row.document, row.client): row.count for row in rows}


async def test_calls_are_counted_by_route_and_client(
    app: Starlette, database: Database, people: People
) -> None:
    user = f"/api/v1.4.0/users/{people.alice.id}/"
    body = {"username": "alice", "password": "correct horse"}
    async with called(app) as client:
        client.headers["User-Agent"] = "curl/8.1 (linux)"
        signed_in = await client.post("/api/v1.4.0/login/", json=body)
        client.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"
        for path in (user, user, "/api/v1.4.0/users/404/", "/api/v1.4.0/users/x/"):
            await client.get(path)
        await client.head(user)
        await client.patch(user, json={"nonsense": 1})
        await client.patch(user, json={"firstname": "A"}, headers=BROWSER)
        await client.get("/api/", headers={"User-Agent": ""})
        await client.get("/api/v1.4.0/cluster/portal_version/")
        assert await counted() == {}
    assert await counted() == {
        ("POST", "/login/", "Login", "curl"): 1,
        ("GET", "/users/{id}/", "User", "curl"): 5,
        ("PATCH", "/users/{id}/", "UpdateUser", "curl"): 1,
        ("PATCH", "/users/{id}/", "UpdateUser", ORIGIN): 1,
        ("GET", "/", "Bootstrap", ""): 1,
        ("GET", "/cluster/{slug}/", "PortalVersion", "curl"): 1,
    }


async def test_unmatched_requests_are_not_counted(app: Starlette, database: Database) -> None:
    async with called(app) as client:
        for method, path in (
            ("GET", "/api/v1.4.0/users/1/"),
            ("DELETE", "/api/v1.4.0/users/1/"),
            ("OPTIONS", "/api/v1.4.0/login/"),
            ("GET", "/api/v1.4.0/nothing/"),
            ("GET", "/api/v1.4.0/explain/"),
        ):
            await client.request(method, path)
    assert await counted() == {}


@pytest.fixture
async def counters(database: Database, clock: Clock) -> AsyncIterator[list[UsageCounter]]:
    """Those of several replicas."""
    interval = timedelta(milliseconds=10)
    counters = [UsageCounter(database, clock, interval=interval) for _ in range(3)]
    yield counters
    await asyncio.gather(*(counter.close() for counter in counters))


def count(counter: UsageCounter, client: str = "curl") -> None:
    counter.count(Call("GET", "/users/{id}/", "User", client))


async def clients() -> dict[str, int]:
    return {row.client: row.count for row in await RestUsage.all().order_by("id")}


async def become(expected: dict[str, int]) -> None:
    async with asyncio.timeout(5):
        while await clients() != expected:  # noqa: ASYNC110  # a database has no event for it
            await asyncio.sleep(0.01)


async def test_calls_are_added_while_the_portal_runs(counters: list[UsageCounter]) -> None:
    """So a process that is killed loses little."""
    counters[0].start()
    for number in range(1, 4):
        count(counters[0])
        await become({"curl": number})


async def test_replicas_add_up(counters: list[UsageCounter]) -> None:
    names = [f"client{number}" for number in range(5)]
    for counter in counters:
        counter.start()
    for _ in range(20):
        for name in names:
            for counter in counters:
                count(counter, name)
            await asyncio.sleep(0.001)
    await asyncio.gather(*(counter.close() for counter in counters))
    assert await clients() == dict.fromkeys(names, 60)


async def test_made_up_clients_do_not_fill_the_table(counters: list[UsageCounter]) -> None:
    for counter in counters:
        count(counter, "aaa")
        for number in range(100):
            count(counter, f"made-up-{number}")
        counter.start()
        await counter.close()
    rows = await clients()
    assert len(rows) == MAXIMUM_CLIENTS + 1
    assert rows["aaa"] == 3
    assert sum(rows.values()) == 3 * 101


async def test_a_client_that_is_long_gone_makes_room(
    counters: list[UsageCounter], clock: Clock
) -> None:
    counters[0].start()
    count(counters[0], "old")
    await become({"old": 1})
    clock.advance(days=300)
    count(counters[0], "newer")
    await become({"old": 1, "newer": 1})
    clock.advance(days=100)
    count(counters[0], "newest")
    await become({"newer": 1, "newest": 1})


async def test_it_is_known_when_a_client_was_seen(
    counters: list[UsageCounter], clock: Clock
) -> None:
    counters[0].start()
    first = clock()
    count(counters[0])
    clock.advance(hours=1)
    count(counters[0])
    await become({"curl": 2})
    clock.advance(hours=1)
    count(counters[0])
    await become({"curl": 3})
    row = await RestUsage.get()
    assert (row.first_seen_at, row.last_seen_at) == (first, first + timedelta(hours=2))


async def test_counting_survives_a_failing_database(
    database: Database, counters: list[UsageCounter], caplog: pytest.LogCaptureFixture
) -> None:
    await database.connection.execute_script("ALTER TABLE rest_usage RENAME TO away")
    counters[0].start()
    count(counters[0], "lost")
    await until(lambda: "UsageCounter failed" in caplog.text, seconds=5)
    await database.connection.execute_script("ALTER TABLE away RENAME TO rest_usage")
    count(counters[0])
    await become({"curl": 1})


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({}, ""),
        ({"user-agent": ""}, ""),
        ({"user-agent": "curl"}, "curl"),
        ({"user-agent": "kubeportal/2.0.0 (x)"}, "kubeportal"),
        (
            {"user-agent": "Mozilla/5.0", "origin": "https://app.example.org"},
            "https://app.example.org",
        ),
        ({"user-agent": "Mozilla/5.0", "origin": "http://[::1]:8080"}, "http://[::1]:8080"),
        ({"user-agent": "Mozilla/5.0", "origin": "null"}, "Mozilla"),
        ({"user-agent": "Mozilla/5.0", "origin": "https://a.b/?token=secret"}, "Mozilla"),
        ({"user-agent": "(others)"}, ""),
        ({"user-agent": "ä/1"}, ""),
        ({"user-agent": "<script>"}, ""),
        ({"user-agent": "x" * 5000}, "x" * 100),
        ({"origin": f"https://{'x' * 5000}"}, ""),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_client_has_a_short_name(headers: dict[str, str], name: str) -> None:
    assert client_name(Headers(headers)) == name
