from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models import (
    AccessState,
    EffectiveMembership,
    Group,
    GroupMembership,
    Membership,
    ServiceAccount,
    User,
)
from tests.callers import Caller, People

MEMBERS = """
query ($id: Int!, $first: Int, $after: String, $last: Int, $before: String) {
  admin { group(databaseId: $id) {
    members(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { node { username } }
    } } }
}
"""


async def test_a_user_sees_own_groups_only(alice: Caller, admin: Caller, people: People) -> None:
    query = "query ($id: Int!) { group(databaseId: $id) { name canAdmin membership } }"
    own = await alice.data(query, id=people.developers.id)
    assert own == {"group": {"name": "Developers", "canAdmin": False, "membership": "MANUAL"}}
    automatic = await alice.data(query, id=people.everyone.id)
    assert automatic["group"]["membership"] == "ALL_USERS"
    assert await alice.codes(query, id=people.operators.id) == ["FORBIDDEN"]
    assert await admin.codes(query, id=people.developers.id) == ["FORBIDDEN"]
    assert await alice.codes(query, id=404) == ["NOT_FOUND"]


async def test_administrators_reach_every_group(admin: Caller, alice: Caller) -> None:
    query = '{ admin { groups(search: "op") { totalCount edges { node { name } } } } }'
    groups = (await admin.data(query))["admin"]["groups"]
    assert [edge["node"]["name"] for edge in groups["edges"]] == ["Developers", "Operators"]
    assert await alice.codes(query) == ["FORBIDDEN"]


async def test_members_see_only_themselves(alice: Caller, admin: Caller, people: People) -> None:
    query = "{ viewer { groups { name members { totalCount edges { node { username } } } } } }"
    groups = (await alice.data(query))["viewer"]["groups"]
    everyone = next(group for group in groups if group["name"] == "Everyone")
    assert everyone["members"] == {"totalCount": 1, "edges": [{"node": {"username": "Alice"}}]}
    for_admin = (await admin.data(query))["viewer"]["groups"]
    assert {group["name"]: group["members"]["totalCount"] for group in for_admin} == {
        "Everyone": 4,
        "Operators": 1,
    }


async def test_member_pages_go_both_ways(admin: Caller, people: People) -> None:
    group = people.everyone.id
    seen, after = [], None
    while True:
        answer = await admin.data(MEMBERS, id=group, first=3, after=after)
        members = answer["admin"]["group"]["members"]
        seen += [edge["node"]["username"] for edge in members["edges"]]
        assert members["totalCount"] == 4
        after = members["pageInfo"]["endCursor"]
        if not members["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["Alice", "bob", "carol", "admin"]
    answer = await admin.data(MEMBERS, id=group, last=2, before=after)
    back = answer["admin"]["group"]["members"]
    assert [edge["node"]["username"] for edge in back["edges"]] == ["bob", "carol"]
    assert back["pageInfo"]["hasPreviousPage"]
    assert back["pageInfo"]["hasNextPage"]


async def test_member_pages_are_stable_under_changes(admin: Caller, people: People) -> None:
    answer = await admin.data(MEMBERS, id=people.everyone.id, first=2)
    cursor = answer["admin"]["group"]["members"]["pageInfo"]["endCursor"]
    await User.filter(id=people.bob.id).delete()
    await User.create(username="zoe")
    answer = await admin.data(MEMBERS, id=people.everyone.id, first=9, after=cursor)
    names = [edge["node"]["username"] for edge in answer["admin"]["group"]["members"]["edges"]]
    assert names == ["carol", "admin", "zoe"]


async def test_wrong_page_arguments_are_refused(admin: Caller, people: People) -> None:
    group = people.everyone.id
    for arguments in (
        {"first": -1},
        {"first": 101},
        {"last": 101},
        {"first": 1, "last": 1},
        {"after": "nonsense"},
        {"after": "aWQ6OTk5OTk5OTk5OTk5OTk5OTk5OTk="},
        {"before": "é"},
    ):
        assert await admin.codes(MEMBERS, id=group, **arguments) == ["BAD_USER_INPUT"], arguments


async def test_leaving_a_group_has_immediate_effect(alice: Caller, people: People) -> None:
    query = "query ($id: Int!) { group(databaseId: $id) { name } }"
    await Membership.filter(user_id=people.alice.id).delete()
    assert await alice.codes(query, id=people.developers.id) == ["FORBIDDEN"]


ALL_MEMBERS = """query ($id: Int!) { admin {
  group(databaseId: $id) {
    first: members(first: 2) { totalCount edges { node { databaseId } } }
    last: members(last: 2) { edges { node { databaseId } } } }
  users(filter: {group: $id}) { totalCount edges { node { databaseId } } } } }"""


@pytest.mark.database
@pytest.mark.parametrize("membership", GroupMembership)
async def test_members_are_those_who_have_the_group(
    admin: Caller, people: People, membership: GroupMembership
) -> None:
    group = await Group.create(name="Any", membership=membership)
    for user in (people.alice, people.bob):
        await Membership.create(user=user, group=group)
    account, now = await ServiceAccount.create(namespace="team", name="default"), datetime.now(UTC)
    for minutes in (None, -1, 1):
        await User.create(
            username=f"minutes {minutes}",
            access_state=AccessState.APPROVED,
            access_expires_at=now + timedelta(minutes=minutes) if minutes else None,
            service_account=account,
        )
    rows = EffectiveMembership.filter(group=group).order_by("user_id")
    expected = await rows.values_list("user_id", flat=True)
    answer = (await admin.data(ALL_MEMBERS, id=group.id))["admin"]
    found = answer["group"] | {"filtered": answer["users"]}
    ids = {
        name: [edge["node"]["databaseId"] for edge in part["edges"]] for name, part in found.items()
    }
    assert ids == {"first": expected[:2], "last": expected[-2:], "filtered": expected}
    numbers = [found[name]["totalCount"] for name in ("first", "filtered")]
    assert numbers == [len(expected), len(expected)]
    assert len(expected) in (2, 3, 7)
