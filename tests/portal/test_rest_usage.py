"""A running portal counts who calls the REST API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request

from models import Database, RestUsage
from portal.jobs import MAXIMUM_CALLS, UsageCounter
from portal.web.app import Contract
from portal.web.streams import client_name
from resolvers.rest_usage import MAXIMUM_CLIENTS, OTHERS
from rest_compat.operations import StoredOperation
from tests.callers import ORIGIN, Clock, People, called
from tests.cluster.waiting import until

pytestmark = pytest.mark.database

Counted = dict[tuple[str, str, str, str], int]
BROWSER = {"User-Agent": "Mozilla/5.0 (X11) Firefox/140.0", "Origin": ORIGIN}


async def counted() -> Counted:
    rows = await RestUsage.all()
    return {(row.method, row.route, row.document, row.client): row.count for row in rows}


async def test_calls_are_counted_by_route_and_client_and_are_there_after_the_end(
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


async def test_what_reaches_no_document_does_not_count(app: Starlette, database: Database) -> None:
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


@pytest.fixture(scope="session")
def user(contract: Contract) -> StoredOperation:
    return next(operation for operation in contract.operations if operation.name == "User")


@pytest.fixture
async def counters(database: Database, clock: Clock) -> AsyncIterator[list[UsageCounter]]:
    """Those of several replicas."""
    interval = timedelta(milliseconds=10)
    counters = [UsageCounter(database, clock, interval=interval) for _ in range(3)]
    yield counters
    await asyncio.gather(*(counter.close() for counter in counters))


def note(counter: UsageCounter, operation: StoredOperation, client: str = "curl") -> None:
    scope = {"type": "http", "headers": [(b"user-agent", client.encode())]}
    counter.note(Request(scope), operation, operation.routes[0])


async def clients() -> dict[str, int]:
    return {row.client: row.count for row in await RestUsage.all().order_by("id")}


async def become(expected: dict[str, int]) -> None:
    async with asyncio.timeout(5):
        while await clients() != expected:  # noqa: ASYNC110  # a database has no event for it
            await asyncio.sleep(0.01)


async def test_calls_are_added_while_the_portal_runs(
    counters: list[UsageCounter], user: StoredOperation
) -> None:
    """So a process that is killed loses little."""
    counters[0].start()
    for number in range(1, 4):
        note(counters[0], user)
        await become({"curl": number})


async def test_replicas_add_up(counters: list[UsageCounter], user: StoredOperation) -> None:
    names = [f"client{number}" for number in range(5)]
    for counter in counters:
        counter.start()
    for _ in range(20):
        for name in names:
            for counter in counters:
                note(counter, user, name)
            await asyncio.sleep(0.001)
    await asyncio.gather(*(counter.close() for counter in counters))
    assert await clients() == dict.fromkeys(names, 60)


async def test_made_up_clients_do_not_fill_the_table(
    counters: list[UsageCounter], user: StoredOperation
) -> None:
    for counter in counters:
        note(counter, user, "aaa")
        for number in range(2 * MAXIMUM_CALLS):
            note(counter, user, f"made-up-{number}")
        assert len(counter._tallies) <= MAXIMUM_CALLS + 1
        counter.start()
        await counter.close()
    found = await clients()
    assert len(found) == MAXIMUM_CLIENTS + 1
    assert found["aaa"] == 3
    assert sum(found.values()) == 3 * (2 * MAXIMUM_CALLS + 1)
    assert found[OTHERS] > MAXIMUM_CALLS


async def test_a_client_that_is_long_gone_makes_room(
    counters: list[UsageCounter], user: StoredOperation, clock: Clock
) -> None:
    counters[0].start()
    note(counters[0], user, "old")
    await become({"old": 1})
    clock.advance(days=300)
    note(counters[0], user, "newer")
    await become({"old": 1, "newer": 1})
    clock.advance(days=100)
    note(counters[0], user, "newest")
    await become({"newer": 1, "newest": 1})


async def test_it_is_known_when_a_client_was_seen(
    counters: list[UsageCounter], user: StoredOperation, clock: Clock
) -> None:
    counters[0].start()
    first = clock()
    note(counters[0], user)
    clock.advance(hours=1)
    note(counters[0], user)
    await become({"curl": 2})
    clock.advance(hours=1)
    note(counters[0], user)
    await become({"curl": 3})
    row = await RestUsage.get()
    assert (row.first_seen_at, row.last_seen_at) == (first, first + timedelta(hours=2))


async def test_a_database_that_fails_gets_the_calls_later(
    database: Database,
    counters: list[UsageCounter],
    user: StoredOperation,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await database.connection.execute_script("ALTER TABLE rest_usage RENAME TO away")
    counters[0].start()
    note(counters[0], user)
    await until(lambda: "were not added" in caplog.text, seconds=5)
    note(counters[0], user)
    await database.connection.execute_script("ALTER TABLE away RENAME TO rest_usage")
    await become({"curl": 2})


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
