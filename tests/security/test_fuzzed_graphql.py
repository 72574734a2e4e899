"""Documents of all kinds, generated from the schema of the running server."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from graphql import get_introspection_query
from hypothesis import strategies
from schemathesis import GenerationMode
from schemathesis.graphql import nodes

from tests.callers import Caller, People
from tests.security.probing import Probe, try_all
from tests.security.values import IDS, INTEGERS, JSON, encoded

pytestmark = pytest.mark.sockets

# It ends the caller's own session, which is to live through all examples
LEFT_OUT = {"Mutation.logout"}
OPERATIONS = (
    "query ($v: Int!) { user(databaseId: $v) { id } }",
    "query ($v: ID!) { node(id: $v) { id } }",
    "query ($v: String) { admin { users(first: 2, after: $v, search: $v) { totalCount } } }",
    "query ($v: Int) { admin { groups(first: $v) { totalCount } } }",
    "query ($v: Boolean! = true) { __typename @include(if: $v) }",
    "mutation ($v: UpdateUserInput!) { updateUser(input: $v) { errors { code } } }",
    "mutation ($v: LoginInput!) { login(input: $v) { errors { code } } }",
    "mutation ($v: LoginWithGoogleInput!) { loginWithGoogle(input: $v) { errors { code } } }",
    "mutation ($v: ApproveAccessInput!) { approveAccess(input: $v) { errors { code } } }",
    "mutation ($v: CreateUserInput!) { createUser(input: $v) { errors { code } } }",
)
MEMBERS = (
    "databaseId",
    "version",
    "username",
    "password",
    "idToken",
    "code",
    "namespace",
    "groups",
)


@pytest.fixture
async def operations(anonymous: Caller, people: People) -> list[Any]:
    """One for each root field; each of them makes documents."""
    schemathesis.graphql.scalar("Int", INTEGERS.map(nodes.Int))
    schemathesis.graphql.scalar("ID", IDS.map(nodes.String))
    introspection = await anonymous.data(get_introspection_query())
    schema: Any = schemathesis.graphql.from_dict(introspection)
    found = [result.ok() for result in schema.get_all_operations()]
    return [operation for operation in found if operation.label not in LEFT_OUT]


@pytest.mark.parametrize("mode", list(GenerationMode))
async def test_sr35_documents_never_fail(
    probe: Probe, operations: list[Any], mode: GenerationMode
) -> None:
    for operation in operations:
        await try_all(
            operation.as_strategy(generation_mode=mode),
            lambda case: probe.send("POST", "/graphql", json={"query": case.body}),
        )


async def test_sr35_variables_never_fail(probe: Probe) -> None:
    inputs = strategies.dictionaries(strategies.sampled_from(MEMBERS), JSON)
    bodies = strategies.fixed_dictionaries(
        {
            "query": strategies.sampled_from(OPERATIONS),
            "variables": strategies.fixed_dictionaries({"v": JSON | inputs}) | JSON,
        },
        optional={"operationName": JSON, "extensions": JSON, "documentId": JSON},
    )
    await try_all(bodies, lambda body: probe.post_json("/graphql", encoded(body)), times=20)
