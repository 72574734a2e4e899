"""Lists that are narrowed down, and those in the order of time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models import AccessRequest, AccessState, Group, User
from tests.callers import Caller, Clock, People

pytestmark = pytest.mark.database

NAMES = {"users": "username", "groups": "name", "webapps": "name"}


async def listed(caller: Caller, noun: str, kind: str, **arguments: Any) -> list[str]:
    query = f"""query ($filter: {kind}, $search: String) {{ admin {{
      list: {noun}(filter: $filter, search: $search) {{
        totalCount edges {{ node {{ name: {NAMES[noun]} }} }} }}
      part: {noun}(filter: $filter, search: $search, first: 1) {{ totalCount }} }} }}"""
    found = (await caller.data(query, **arguments))["admin"]
    names = [edge["node"]["name"] for edge in found["list"]["edges"]]
    assert found["list"]["totalCount"] == found["part"]["totalCount"] == len(names)
    return names


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["Alice", "bob", "carol", "admin", "dora"]),
        ({"isActive": True}, ["Alice", "bob", "admin", "dora"]),
        ({"isActive": False}, ["carol"]),
        ({"isAdmin": True}, ["bob", "admin"]),
        ({"isAdmin": False}, ["Alice", "carol", "dora"]),
        ({"accessState": "APPROVED"}, ["Alice"]),
        ({"accessState": "NEW"}, ["carol", "admin", "dora"]),
        ({"accessState": "REQUESTED"}, ["bob"]),
        ({"accessState": "REJECTED"}, []),
        ({"group": "developers"}, ["Alice"]),
        ({"group": "everyone"}, ["Alice", "bob", "carol", "admin", "dora"]),
        ({"group": None, "isActive": None}, ["Alice", "bob", "carol", "admin", "dora"]),
        ({"isActive": True, "isAdmin": False, "accessState": "NEW"}, ["dora"]),
    ],
    ids=str,
)
async def test_filter_users(
    admin: Caller, people: People, clock: Clock, wanted: dict[str, Any], expected: list[str]
) -> None:
    await User.filter(id=people.bob.id).update(
        is_superuser=True, access_state=AccessState.REQUESTED
    )
    await User.create(
        username="dora",
        access_state=AccessState.APPROVED,
        access_expires_at=clock() - timedelta(seconds=1),
    )
    if wanted.get("group"):
        wanted = {**wanted, "group": getattr(people, wanted["group"]).id}
    assert await listed(admin, "users", "UserFilter", filter=wanted) == expected


async def test_filter_with_search(admin: Caller, people: People) -> None:
    found = await listed(admin, "users", "UserFilter", filter={"isActive": True}, search="a")
    assert found == ["Alice", "admin"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"canAdmin": True}, ["Operators"]),
        ({"canAdmin": False, "membership": "MANUAL"}, ["Developers"]),
        ({"membership": "ALL_USERS"}, ["Everyone"]),
        ({"membership": "CLUSTER_USERS"}, ["Cluster"]),
    ],
    ids=str,
)
async def test_filter_groups(
    admin: Caller, people: People, wanted: dict[str, Any], expected: list[str]
) -> None:
    assert await listed(admin, "groups", "GroupFilter", filter=wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"linkShow": True}, ["Grafana", "Dashboard", "Unrelated"]),
        ({"linkShow": False}, ["Hidden"]),
        ({"group": "developers"}, ["Grafana", "Hidden"]),
        ({"group": "developers", "linkShow": True}, ["Grafana"]),
        ({"group": "operators"}, []),
    ],
    ids=str,
)
async def test_filter_webapps(
    admin: Caller, people: People, wanted: dict[str, Any], expected: list[str]
) -> None:
    if "group" in wanted:
        group: Group = getattr(people, wanted["group"])
        wanted = {**wanted, "group": group.id}
    assert await listed(admin, "webapps", "WebAppFilter", filter=wanted) == expected


async def test_newest_requests_first(admin: Caller, people: People, clock: Clock) -> None:
    for number in range(3):
        await AccessRequest.create(user=people.bob, reason=str(number), created_at=clock())
    query = """query ($direction: OrderDirection!, $after: String) { admin {
      accessRequests(direction: $direction, first: 2, after: $after) {
        pageInfo { endCursor } edges { node { reason } } } } }"""
    for direction, expected in (("ASC", "012"), ("DESC", "210")):
        reasons, after = "", None
        for _ in range(2):
            answer = await admin.data(query, direction=direction, after=after)
            requests = answer["admin"]["accessRequests"]
            reasons += "".join(edge["node"]["reason"] for edge in requests["edges"])
            after = requests["pageInfo"]["endCursor"]
        assert reasons == expected
