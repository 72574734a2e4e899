"""Operations beyond the time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from tortoise.transactions import in_transaction

from cluster.cluster import Clusters
from models import User
from portal.settings import Settings
from resolvers import groups, users
from tests.callers import Caller, People, called
from tests.sockets import connected, streamed
from tests.stand_in import StandIn, clusters_of

TIME = timedelta(seconds=1)
QUERY = "{ group(databaseId: 1) { name } }"
SLOW = {
    "postgres": "SELECT users.* FROM users, pg_sleep(60)",
    # as long as it takes: SQLite goes on, though nobody waits for it
    "sqlite": "SELECT users.* FROM users, (WITH RECURSIVE steps (n) AS"
    " (SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < 20000000) SELECT max(n) FROM steps)",
}
CHANGE = """
mutation ($id: Int!) {
  updateUser(input: {databaseId: $id, firstName: "Changed"}) { user { firstName } }
}
"""


@pytest.fixture
def main() -> StandIn:
    return StandIn()


@pytest.fixture
def clusters(main: StandIn) -> Clusters:
    return clusters_of(main)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"graphql_timeout": TIME})


@pytest.fixture
def slow_reads(monkeypatch: pytest.MonkeyPatch, database_kind: str) -> None:
    async def slow(*_: object) -> None:
        await User.raw(SLOW[database_kind])

    monkeypatch.setattr(groups, "group", slow)


@pytest.fixture
def slow_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    quick: Callable[..., Awaitable[User]] = users.update_user

    async def slow(*arguments: Any) -> User:
        async with in_transaction():
            changed = await quick(*arguments)
            await asyncio.sleep(2 * TIME.total_seconds())
        return changed

    monkeypatch.setattr(users, "update_user", slow)


async def first_name(people: People) -> str:
    return (await User.get(id=people.alice.id)).first_name


async def until_changed(people: People) -> None:
    async with asyncio.timeout(30):
        while await first_name(people) != "Changed":  # noqa: ASYNC110  # it happens elsewhere
            await asyncio.sleep(0.05)


async def test_slow_query_is_cancelled(alice: Caller, people: People, slow_reads: None) -> None:
    answer = await alice.graphql(QUERY)
    assert "data" not in answer
    [error] = answer["errors"]
    assert error["message"] == "It took longer than 1 s and was given up."
    assert error["extensions"] == {"code": "TIMEOUT"}
    await alice.graphql(CHANGE, id=people.alice.id)
    await until_changed(people)
    assert await alice.data("{ viewer { firstName } }") == {"viewer": {"firstName": "Changed"}}


async def test_slow_mutation_continues(alice: Caller, people: People, slow_changes: None) -> None:
    answer = await alice.graphql(CHANGE, id=people.alice.id)
    assert "data" not in answer
    [error] = answer["errors"]
    assert error["message"].startswith("It takes longer than 1 s and continues")
    assert error["extensions"] == {"code": "TIMEOUT"}
    assert await first_name(people) == "Alice"
    await until_changed(people)


@pytest.mark.sockets
async def test_mutation_continues_without_client(
    alice: Caller, people: People, slow_changes: None
) -> None:
    async with connected(alice) as socket:
        payload = {"query": CHANGE, "variables": {"id": people.alice.id}}
        await socket.send(type="subscribe", id="1", payload=payload)
        await asyncio.sleep(TIME.total_seconds() / 2)
    await until_changed(people)


async def test_shutdown_waits_for_mutations(
    app: Starlette, people: People, slow_changes: None
) -> None:
    async with called(app) as client:
        alice = await Caller(client).sign_in("alice", "correct horse")
        assert await alice.codes(CHANGE, id=people.alice.id) == ["TIMEOUT"]
    assert await first_name(people) == "Changed"


async def test_slow_rest_request_is_unavailable(
    alice: Caller, people: People, slow_reads: None
) -> None:
    response = await alice.rest("GET", "/groups/1/")
    assert response.status_code == 503
    assert response.json() == {"detail": "It took longer than 1 s and was given up."}


@pytest.mark.sockets
async def test_subscription_has_no_time_limit(alice: Caller, main: StandIn) -> None:
    async with streamed(alice, "subscription { clusterFacts { podCount } }") as events:
        assert await events.next() == {"clusterFacts": {"podCount": 1}}
        await asyncio.sleep(2 * TIME.total_seconds())
        main.tell(pod_count=2)
        assert await events.next() == {"clusterFacts": {"podCount": 2}}
