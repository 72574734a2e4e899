"""Introspection that is restricted to signed-in users."""

from __future__ import annotations

import pytest
from graphql import get_introspection_query

from portal.settings import Settings
from tests.callers import Caller
from tests.sockets import connected

SCHEMA = "/graphql/schema.graphql"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"graphql_introspection": "signed-in"})


@pytest.mark.parametrize(
    "query",
    [
        get_introspection_query(),
        "{ __schema { description } }",
        '{ viewer { id } t: __type(name: "User") { name } }',
        "{ ... { ...F } } fragment F on Query { __schema { description } }",
    ],
    ids=["the whole", "the schema", "a type", "within a fragment"],
)
async def test_introspection_requires_sign_in(anonymous: Caller, alice: Caller, query: str) -> None:
    for _ in range(2):
        answer = await anonymous.graphql(query)
        assert "data" not in answer
        [error] = answer["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}
        assert await alice.data(query)


async def test_introspection_status_is_401(anonymous: Caller) -> None:
    response = await anonymous.client.post(
        "/graphql",
        json={"query": "{ __schema { description } }"},
        headers={"Accept": "application/graphql-response+json"},
    )
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_typename_is_public(anonymous: Caller) -> None:
    query = "{ __typename portal { __typename } }"
    assert await anonymous.data(query) == {
        "__typename": "Query",
        "portal": {"__typename": "Portal"},
    }


@pytest.mark.sockets
async def test_introspection_over_websocket_requires_sign_in(anonymous: Caller) -> None:
    async with connected(anonymous) as socket:
        await socket.subscribe("{ __schema { description } }")
        message = await socket.receive()
    assert message["type"] == "error"
    assert [error["extensions"]["code"] for error in message["payload"]] == ["UNAUTHENTICATED"]


async def test_sdl_requires_sign_in(anonymous: Caller, alice: Caller) -> None:
    refused = await anonymous.client.get(SCHEMA)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.json()["detail"]
    assert (await alice.client.get(SCHEMA, headers=alice.headers)).status_code == 200


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ viewr { id } }", {}),
        ("{ cluster { memory(unit: BITE) } }", {}),
        ("query ($u: MemoryUnit!) { cluster { memory(unit: $u) } }", {"u": "BITE"}),
    ],
)
async def test_errors_suggest_no_names(
    anonymous: Caller, query: str, variables: dict[str, str]
) -> None:
    [error] = (await anonymous.graphql(query, **variables))["errors"]
    assert "Did you mean" not in error["message"]
