from __future__ import annotations

import pytest

from models import Grant
from portal.settings import Settings
from tests.callers import Caller, People

WEBAPP = "query ($id: Int!) { webapp(databaseId: $id) { name linkName linkUrl linkShow } }"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With room for lists within lists within lists."""
    return settings.model_copy(update={"graphql_max_cost": 10_000_000})


async def test_user_sees_web_apps_of_own_groups(alice: Caller, bob: Caller, people: People) -> None:
    query = "{ viewer { webapps { name } } }"
    names = [webapp["name"] for webapp in (await alice.data(query))["viewer"]["webapps"]]
    assert names == ["Grafana", "Dashboard"]
    names = [webapp["name"] for webapp in (await bob.data(query))["viewer"]["webapps"]]
    assert names == ["Dashboard"]


async def test_a_web_app_of_two_groups_is_listed_once(alice: Caller, people: People) -> None:
    await Grant.create(group=people.everyone, webapp=people.grafana)
    webapps = (await alice.data("{ viewer { webapps { name } } }"))["viewer"]["webapps"]
    assert [webapp["name"] for webapp in webapps] == ["Grafana", "Dashboard"]


async def test_hidden_and_other_web_apps_are_forbidden(
    alice: Caller, bob: Caller, admin: Caller, people: People
) -> None:
    assert (await alice.data(WEBAPP, id=people.grafana.id))["webapp"]["linkName"] == "Grafana"
    assert await alice.codes(WEBAPP, id=people.hidden.id) == ["FORBIDDEN"]
    assert await alice.codes(WEBAPP, id=people.unrelated.id) == ["FORBIDDEN"]
    assert await bob.codes(WEBAPP, id=people.grafana.id) == ["FORBIDDEN"]
    assert await admin.codes(WEBAPP, id=people.grafana.id) == ["FORBIDDEN"]
    assert await alice.codes(WEBAPP, id=404) == ["NOT_FOUND"]


async def test_placeholders_use_the_requesting_user(
    alice: Caller, bob: Caller, people: People
) -> None:
    mine = (await alice.data(WEBAPP, id=people.dashboard.id))["webapp"]
    assert mine["linkName"] == "Dashboard of team-alice"
    assert mine["linkUrl"] == "https://dashboard.example.org/?account=alice"
    without_account = (await bob.data(WEBAPP, id=people.dashboard.id))["webapp"]
    assert without_account["linkName"] == "Dashboard of "
    assert without_account["linkUrl"] == "https://dashboard.example.org/?account="


async def test_administrators_reach_every_web_app(
    admin: Caller, alice: Caller, people: People
) -> None:
    query = "{ admin { webapps { totalCount edges { node { name groups { name } } } } } }"
    webapps = (await admin.data(query))["admin"]["webapps"]
    assert webapps["totalCount"] == 4
    assert [edge["node"] for edge in webapps["edges"]] == [
        {"name": "Grafana", "groups": [{"name": "Developers"}]},
        {"name": "Hidden", "groups": [{"name": "Developers"}]},
        {"name": "Dashboard", "groups": [{"name": "Everyone"}]},
        {"name": "Unrelated", "groups": []},
    ]
    assert await alice.codes(query) == ["FORBIDDEN"]


async def test_edges_follow_visibility_rules(alice: Caller, admin: Caller, people: People) -> None:
    query = "{ viewer { groups { name webapps { name groups { name } } } } }"
    await Grant.create(group=people.operators, webapp=people.grafana)
    groups = (await alice.data(query))["viewer"]["groups"]
    by_name = {group["name"]: group["webapps"] for group in groups}
    assert by_name["Developers"] == [{"name": "Grafana", "groups": [{"name": "Developers"}]}]
    everything = "query ($id: Int!) { admin { group(databaseId: $id) { webapps { name } } } }"
    seen = (await admin.data(everything, id=people.developers.id))["admin"]["group"]["webapps"]
    assert seen == [{"name": "Grafana"}, {"name": "Hidden"}]
