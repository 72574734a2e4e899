"""The status of GraphQL answers, in both profiles."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from portal.settings import Profile, Settings
from tests.callers import Caller, MakeApp, called

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
USER = "query ($id: Int!) { user(databaseId: $id) { id } }"
ALIASES = "{ portal {" + "".join(f" a{n}: name" for n in range(31)) + "} }"
TWO = "query A { __typename } query B { __typename }"

# query, audit with the old type, audit with the new type, 2026 with either
TABLE = [
    ("{ __typename }", 200, 200, 200),
    ("{ portal { name } user(databaseId: 1) { id } }", 200, 200, 200),
    ("{ clusters { name } }", 200, 200, 200),
    ("{", 200, 400, 400),
    ("{ nope }", 200, 400, 422),
    ("{ user { id } }", 200, 400, 422),
    (ALIASES, 200, 400, 422),
    (USER, 200, 400, 422),
    (TWO, 200, 400, 422),
    ("#\n" * 2_001 + "{ __typename }", 200, 400, 422),
    ("subscription { clusterFacts { name } }", 406, 406, 406),
]


@pytest.fixture(params=["audit", "2026"])
def profile(request: pytest.FixtureRequest) -> Profile:
    profile: Profile = request.param
    return profile


@pytest.fixture
async def caller(settings: Settings, make_app: MakeApp, profile: Profile) -> AsyncIterator[Caller]:
    app = make_app(settings.model_copy(update={"graphql_http_profile": profile}))
    async with called(app) as client:
        yield Caller(client)


async def test_status_depends_on_the_profile(caller: Caller, profile: Profile) -> None:
    for query, old, new, strict in TABLE:
        wanted = (
            {JSON: old, GRAPHQL_JSON: new}
            if profile == "audit"
            else dict.fromkeys((JSON, GRAPHQL_JSON), strict)
        )
        for media_type, status in wanted.items():
            response = await caller.client.post(
                "/graphql", json={"query": query}, headers={"Accept": media_type}
            )
            assert response.status_code == status, (query[:80], media_type)


async def test_other_errors_are_equal_in_all_profiles(caller: Caller) -> None:
    change = {"query": "mutation { logout { errors { code } } }"}
    for method, request, status in (
        ("GET", {"params": change}, 405),
        ("PUT", {"json": change}, 405),
        ("POST", {"json": change, "headers": {"Accept": "text/plain"}}, 406),
        ("POST", {"data": change}, 415),
        ("POST", {"content": b"{", "headers": {"Content-Type": JSON}}, 400),
        ("POST", {"content": b" " * 1_100_000, "headers": {"Content-Type": JSON}}, 413),
    ):
        response = await caller.client.request(method, "/graphql", **request)
        assert response.status_code == status, (method, status)
