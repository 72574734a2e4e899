"""Who is in which group, and which group has which web apps."""

from __future__ import annotations

from typing import Any

import pytest

from models import Membership
from tests.callers import Caller, People
from tests.schema.management.calls import done, field_errors


def members(payload: dict[str, Any]) -> list[str]:
    return [edge["node"]["username"] for edge in payload["group"]["members"]["edges"]]


def webapps(payload: dict[str, Any]) -> list[str]:
    return [webapp["name"] for webapp in payload["group"]["webapps"]]


async def test_users_join_and_leave_a_group(admin: Caller, people: People) -> None:
    group, bob, carol = {"databaseId": people.developers.id}, people.bob.id, people.carol.id
    for _ in range(2):
        payload = await done(admin, "addGroupMembers", **group, users=[carol, bob, carol])
        assert members(payload) == ["Alice", "bob", "carol"]
    for _ in range(2):
        payload = await done(admin, "removeGroupMembers", **group, users=[people.alice.id, carol])
        assert members(payload) == ["bob"]


async def test_web_apps_are_granted_and_revoked(admin: Caller, people: People) -> None:
    group, grafana = {"databaseId": people.everyone.id}, people.grafana.id
    given = [grafana, people.unrelated.id]
    for _ in range(2):
        payload = await done(admin, "grantWebApps", **group, webapps=given)
        assert webapps(payload) == ["Grafana", "Dashboard", "Unrelated"]
    for _ in range(2):
        payload = await done(admin, "withdrawWebApps", **group, webapps=[grafana])
        assert webapps(payload) == ["Dashboard", "Unrelated"]


@pytest.mark.parametrize(
    ("mutation", "field"), [("addGroupMembers", "users"), ("grantWebApps", "webapps")]
)
async def test_missing_objects_are_named_by_index(
    admin: Caller, people: People, mutation: str, field: str
) -> None:
    given = {"databaseId": people.developers.id, field: [1, 404, 2, -1]}
    assert await field_errors(admin, mutation, **given) == [
        (f"{field}.1", "There is none with the id 404."),
        (f"{field}.3", "There is none with the id -1."),
    ]
    assert await Membership.filter(group=people.developers).count() == 1


@pytest.mark.parametrize("count", [0, 101])
@pytest.mark.parametrize(
    ("mutation", "field"),
    [
        ("addGroupMembers", "users"),
        ("removeGroupMembers", "users"),
        ("grantWebApps", "webapps"),
        ("withdrawWebApps", "webapps"),
    ],
)
async def test_one_to_a_hundred_ids_are_accepted(
    admin: Caller, people: People, mutation: str, field: str, count: int
) -> None:
    given = {"databaseId": people.developers.id, field: list(range(count))}
    assert await field_errors(admin, mutation, **given) == [(field, "Give 1 to 100 ids.")]


@pytest.mark.parametrize(
    ("mutation", "field"), [("addGroupMembers", "databaseId"), ("removeGroupMembers", "users")]
)
async def test_members_of_a_self_filling_group_are_refused(
    admin: Caller, people: People, mutation: str, field: str
) -> None:
    given = {"databaseId": people.everyone.id, "users": [people.bob.id]}
    assert await field_errors(admin, mutation, **given) == [(field, "This group fills itself.")]
