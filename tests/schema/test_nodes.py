from __future__ import annotations

from base64 import b64encode

import pytest

from tests.callers import Caller, People

NODE = "query ($id: ID!) { node(id: $id) { id __typename ... on User { username } } }"


def global_id(type_name: str, database_id: object) -> str:
    return b64encode(f"{type_name}:{database_id}".encode()).decode()


async def test_node_by_id(alice: Caller) -> None:
    found = await alice.data("{ viewer { id groups { id } webapps { id } } }")
    viewer = found["viewer"]
    for global_id in [viewer["id"], viewer["groups"][0]["id"], viewer["webapps"][0]["id"]]:
        assert (await alice.data(NODE, id=global_id))["node"]["id"] == global_id


@pytest.mark.parametrize("noun", ["User", "Group", "WebApp"])
async def test_node_matches_root_field(
    alice: Caller, bob: Caller, admin: Caller, anonymous: Caller, people: People, noun: str
) -> None:
    rows = {"User": people.alice.id, "Group": people.developers.id, "WebApp": people.grafana.id}
    field = noun.lower()
    direct = f"query ($id: Int!) {{ {field}(databaseId: $id) {{ id }} }}"
    for caller in (alice, bob, anonymous):
        for database_id in (rows[noun], 404):
            by_node = await caller.graphql(NODE, id=global_id(noun, database_id))
            by_field = await caller.graphql(direct, id=database_id)
            assert by_node.get("errors", [{}])[0].get("extensions") == by_field.get("errors", [{}])[
                0
            ].get("extensions")
    assert (await admin.data(NODE, id=global_id(noun, rows[noun])))["node"]
    assert await admin.codes(NODE, id=global_id(noun, 404)) == ["NOT_FOUND"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("", "BAD_USER_INPUT"),
        ("nonsense", "BAD_USER_INPUT"),
        (global_id("User", "x"), "BAD_USER_INPUT"),
        (global_id("User", -1), "BAD_USER_INPUT"),
        (global_id("User", 2**63), "BAD_USER_INPUT"),
        (global_id("User", "٣"), "BAD_USER_INPUT"),
        (global_id("Session", 1), "NOT_FOUND"),
    ],
)
async def test_invalid_id_is_refused(alice: Caller, given: str, code: str) -> None:
    assert await alice.codes(NODE, id=given) == [code]
