"""Where only those who are signed in may read the schema."""

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
async def test_strangers_may_not_read_the_schema_and_others_may(
    anonymous: Caller, alice: Caller, query: str
) -> None:
    for _ in range(2):
        answer = await anonymous.graphql(query)
        assert "data" not in answer
        [error] = answer["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}
        assert await alice.data(query)


async def test_the_status_asks_to_sign_in(anonymous: Caller) -> None:
    response = await anonymous.client.post(
        "/graphql",
        json={"query": "{ __schema { description } }"},
        headers={"Accept": "application/graphql-response+json"},
    )
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_the_names_of_types_are_told_to_everyone(anonymous: Caller) -> None:
    query = "{ __typename portal { __typename } }"
    assert await anonymous.data(query) == {
        "__typename": "Query",
        "portal": {"__typename": "Portal"},
    }


@pytest.mark.sockets
async def test_a_web_socket_is_no_way_around(anonymous: Caller) -> None:
    async with connected(anonymous) as socket:
        await socket.subscribe("{ __schema { description } }")
        message = await socket.receive()
    assert message["type"] == "error"
    assert [error["extensions"]["code"] for error in message["payload"]] == ["UNAUTHENTICATED"]


async def test_the_text_of_the_schema_is_for_those_who_are_signed_in(
    anonymous: Caller, alice: Caller
) -> None:
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
async def test_nobody_is_told_what_a_wrong_name_may_mean(
    anonymous: Caller, query: str, variables: dict[str, str]
) -> None:
    [error] = (await anonymous.graphql(query, **variables))["errors"]
    assert "Did you mean" not in error["message"]
