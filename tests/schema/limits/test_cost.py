"""The cost of operations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from graphql import get_introspection_query

from portal.settings import Settings
from portal.web.app import Contract
from schema.cost import Plans
from schema.executor import Executor
from schema.limits import Limits
from tests.callers import Caller, MakeApp, People, Reach
from tests.sockets import connected, streamed

PAGED = "query ($n: Int) { admin { users(first: $n) { edges { node { id } } } } }"
DEFAULT = "query ($n: Int = 10) { admin { users(first: $n) { edges { node { id } } } } }"
EITHER = (
    "query ($f: Int, $l: Int)"
    " { admin { users(first: $f, last: $l) { totalCount edges { node { id } } } } }"
)
SPREAD = (
    "{ admin { users(first: 5) { ...F } } }"
    " fragment F on UserConnection { ... on UserConnection { edges { cursor } } }"
)
NESTED = """{ admin { groups(first: 2) { edges { node {
    members(first: 3) { pageInfo { endCursor } edges { cursor } } } } } } }"""


@pytest.fixture(scope="module")
def executor(contract: Contract) -> Executor:
    return Executor(contract.schema)


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ __typename }", {}, 1),
        ("{ viewer { username } }", {}, 2),
        ("{ viewer { allEmails } }", {}, 2),
        ("{ viewer { groups { name } } }", {}, 201),
        ("{ viewer { groups { webapps { name } } } }", {}, 20_101),
        ("{ a: viewer { id } b: viewer { id } }", {}, 4),
        ("{ viewer { ...F ...F } } fragment F on User { id username }", {}, 5),
        ("{ viewer { ... { id } ... on User { id } } }", {}, 3),
        ("{ viewer { id @skip(if: true) } }", {}, 2),
        ("{ node(id: 1) { ... on User { id } ... on Group { id name } } }", {}, 4),
        ("{ admin { users(first: 5) { edges { node { id } } } } }", {}, 17),
        ("{ admin { users(last: 5) { edges { node { id } } totalCount } } }", {}, 18),
        ("{ admin { users(first: 0) { edges { node { id } } } } }", {}, 2),
        ("{ admin { users { edges { node { id } } } } }", {}, 302),
        (SPREAD, {}, 12),
        (NESTED, {}, 2 + 2 * (2 + 1 + 2 + 3 * 2)),
        (PAGED, {}, 302),
        (PAGED, {"n": 5}, 17),
        (PAGED, {"n": None}, 302),
        (PAGED, {"n": "5"}, 302),
        (PAGED, {"n": -5}, 302),
        (PAGED, {"n": 10**30}, 302),
        (PAGED, {"n": [1]}, 302),
        (PAGED, {"n": True}, 302),
        (PAGED, {"other": 5}, 302),
        (DEFAULT, {}, 32),
        (DEFAULT, {"n": 5}, 17),
        (DEFAULT, {"n": None}, 302),
        (EITHER, {"f": 5, "l": None}, 18),
        (EITHER, {"l": 5}, 18),
        ("mutation { logout { errors { code message } } }", {}, 301),
    ],
)
def test_cost_of_operation(
    executor: Executor, query: str, variables: dict[str, Any], cost: int
) -> None:
    plan = Plans(executor.graphql_schema, Limits().list_size).find(executor.prepare(query), None)
    assert plan
    assert plan.cost(variables) == cost


async def test_each_operation_has_its_cost(anonymous: Caller) -> None:
    query = "query A { __typename } query B { viewer { id } }"
    answer = (await post(anonymous, query, operationName="B")).json()
    assert answer == {
        "data": {"viewer": None},
        "extensions": {"cost": {"requested": 2, "maximum": Limits().cost}},
    }


async def test_introspection_costs_more_than_it_holds(anonymous: Caller) -> None:
    answer = (await post(anonymous, get_introspection_query(input_value_deprecation=True))).json()
    cost, size = answer["extensions"]["cost"]["requested"], fields_in(answer["data"])
    assert size < cost < Limits().cost / 2


def fields_in(answer: Any) -> int:
    if isinstance(answer, list):
        return sum(map(fields_in, answer))
    return len(answer) + sum(map(fields_in, answer.values())) if isinstance(answer, dict) else 0


async def test_repeated_introspection_is_too_expensive(anonymous: Caller) -> None:
    fields = " ".join(
        f"a{n}: fields {{ type {{ fields {{ name type {{ name }} }} }} }}" for n in range(20)
    )
    answer = (await post(anonymous, f"{{ __schema {{ types {{ {fields} }} }} }}")).json()
    [error] = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("LIMIT_EXCEEDED", "cost")


async def test_nested_introspection_is_invalid(anonymous: Caller) -> None:
    query = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    assert await anonymous.codes(query) == ["GRAPHQL_VALIDATION_FAILED"]


AFFORDABLE = "{ viewer { groups { id name databaseId } } }"
TOO_DEAR = "{ viewer { id groups { id name databaseId } } }"
REFUSAL = {"code": "LIMIT_EXCEEDED", "limit": "cost", "found": 402, "maximum": 401}


@pytest.fixture
async def thrifty(
    settings: Settings, make_app: MakeApp, reach: Reach, people: People
) -> AsyncIterator[Caller]:
    """Bob at a portal where operations may cost 401."""
    app = make_app(settings.model_copy(update={"graphql_max_cost": 401}))
    async with reach(app) as client:
        yield await Caller(client).sign_in("bob", "correct horse")


async def test_too_expensive_operation_is_refused(thrifty: Caller) -> None:
    answer = (await post(thrifty, AFFORDABLE)).json()
    assert answer["data"]["viewer"]["groups"]
    assert answer["extensions"]["cost"] == {"requested": 401, "maximum": 401}
    answer = (await post(thrifty, TOO_DEAR)).json()
    assert "data" not in answer
    assert [error["extensions"] for error in answer["errors"]] == [REFUSAL]
    assert answer["extensions"]["cost"] == {"requested": 402, "maximum": 401}


async def test_maximum_cost_applies_to_get(thrifty: Caller) -> None:
    response = await thrifty.client.get(
        "/graphql", params={"query": TOO_DEAR}, headers=thrifty.headers
    )
    assert [error["extensions"] for error in response.json()["errors"]] == [REFUSAL]


@pytest.mark.sockets
async def test_maximum_cost_applies_to_websocket(thrifty: Caller) -> None:
    async with connected(thrifty) as socket:
        await socket.subscribe(TOO_DEAR)
        message = await socket.receive()
    assert message["type"] == "error"
    assert [error["extensions"] for error in message["payload"]] == [REFUSAL]


@pytest.mark.sockets
async def test_maximum_cost_applies_to_sse(thrifty: Caller) -> None:
    async with streamed(thrifty, TOO_DEAR) as events:
        event = await events.receive()
    assert event
    assert [error["extensions"] for error in event[1]["errors"]] == [REFUSAL]


@pytest.mark.sockets
async def test_refused_subscription_has_cost(anonymous: Caller) -> None:
    query = "subscription { clusterFacts { podCount } }"
    async with streamed(anonymous, query) as events:
        event = await events.receive()
    assert event
    assert event[1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert event[1]["extensions"] == {"cost": {"requested": 2, "maximum": Limits().cost}}


async def post(caller: Caller, query: str, **parameters: Any) -> httpx2.Response:
    body = {"query": query, **parameters}
    return await caller.client.post("/graphql", json=body, headers=caller.headers)
