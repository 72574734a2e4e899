from __future__ import annotations

from typing import Any

import pytest

from models import Grant, Group, Membership, WebApp
from tests.callers import Caller, People
from tests.schema.management.calls import done, field_errors


async def test_a_group_is_made_changed_and_deleted(admin: Caller) -> None:
    made = (await done(admin, "createGroup", name=" Testers "))["group"]
    target = {"databaseId": made["databaseId"]}
    assert made == {
        **target,
        "name": "Testers",
        "canAdmin": False,
        "membership": "MANUAL",
        "version": 1,
        "members": {"edges": []},
        "webapps": [],
    }
    changes = {"name": "Everybody", "membership": "ALL_USERS"}
    changed = (await done(admin, "updateGroup", **target, version=1, **changes))["group"]
    members = changed.pop("members")["edges"]
    assert [edge["node"]["username"] for edge in members] == ["Alice", "bob", "carol", "admin"]
    assert changed == {**target, **changes, "canAdmin": False, "version": 2, "webapps": []}
    payload = await done(admin, "deleteGroup", **target, version=2)
    assert payload["deletedId"]
    assert not await Group.exists(id=made["databaseId"])


async def test_deleted_group_loses_members_and_grants(admin: Caller, people: People) -> None:
    await done(admin, "deleteGroup", databaseId=people.developers.id, version=1)
    assert not await Membership.exists(group_id=people.developers.id)
    assert not await Grant.exists(group_id=people.developers.id)
    assert await WebApp.exists(id=people.grafana.id)


async def test_manual_member_stays(admin: Caller, people: People) -> None:
    target = {"databaseId": people.developers.id}
    await done(admin, "updateGroup", **target, version=1, membership="CLUSTER_USERS")
    changed = await done(admin, "updateGroup", **target, version=2, membership="MANUAL")
    assert changed["group"]["members"]["edges"] == [{"node": {"username": "Alice"}}]


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"name": "Developers"}, "name", "There is a group of this name."),
        ({"name": "\t"}, "name", "This field may not be blank."),
        ({"name": "x" * 151}, "name", "Ensure this field has no more than 150 characters."),
        ({"name": "a\u0000"}, "name", "Control characters are not allowed."),
    ],
    ids=["taken", "blank", "long", "control"],
)
async def test_a_bad_name_is_refused(
    admin: Caller, people: People, given: dict[str, Any], field: str, message: str
) -> None:
    target = {"databaseId": people.everyone.id, "version": 1}
    assert await field_errors(admin, "createGroup", **given) == [(field, message)]
    assert await field_errors(admin, "updateGroup", **target, **given) == [(field, message)]


@pytest.mark.parametrize("field", ["name", "canAdmin", "membership"])
async def test_no_field_of_a_group_is_null(admin: Caller, people: People, field: str) -> None:
    target = {"databaseId": people.everyone.id, "version": 1}
    refused = await field_errors(admin, "updateGroup", **target, **{field: None})
    assert refused == [(field, "This field may not be null.")]


async def test_a_change_changes_something(admin: Caller, people: People) -> None:
    for mutation, row in (("updateGroup", people.everyone), ("updateWebApp", people.hidden)):
        [(field, message)] = await field_errors(admin, mutation, databaseId=row.id, version=1)
        assert field is None
        assert "Nothing to change" in message
