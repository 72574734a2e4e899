from __future__ import annotations

import pytest

from models import User
from tests.callers import Caller, People

UPDATE = """
mutation ($input: UpdateUserInput!) {
  updateUser(input: $input) {
    user { firstName lastName primaryEmail allEmails }
    errors { code field message }
  }
}
"""


async def test_viewer_is_the_signed_in_user(alice: Caller, anonymous: Caller) -> None:
    query = "{ viewer { username firstName lastName primaryEmail allEmails isAdmin accessState } }"
    assert await anonymous.data(query) == {"viewer": None}
    assert await alice.data(query) == {
        "viewer": {
            "username": "Alice",
            "firstName": "Alice",
            "lastName": "Anders",
            "primaryEmail": "alice@example.org",
            "allEmails": ["alice@example.org", "alice@alt.example.org"],
            "isAdmin": False,
            "accessState": "APPROVED",
        }
    }


async def test_only_oneself_is_a_user(
    anonymous: Caller, alice: Caller, admin: Caller, people: People
) -> None:
    query = "query ($id: Int!) { user(databaseId: $id) { username } }"
    assert await alice.data(query, id=people.alice.id) == {"user": {"username": "Alice"}}
    assert await alice.codes(query, id=people.bob.id) == ["FORBIDDEN"]
    assert await alice.codes(query, id=404) == ["NOT_FOUND"]
    assert await admin.codes(query, id=people.alice.id) == ["FORBIDDEN"]
    assert await anonymous.codes(query, id=people.alice.id) == ["UNAUTHENTICATED"]


async def test_administrators_see_every_user(
    admin: Caller, alice: Caller, anonymous: Caller, people: People
) -> None:
    query = "query ($id: Int!) { admin { user(databaseId: $id) { username isActive } } }"
    found = await admin.data(query, id=people.carol.id)
    assert found == {"admin": {"user": {"username": "carol", "isActive": False}}}
    assert await admin.codes(query, id=404) == ["NOT_FOUND"]
    assert await alice.codes(query, id=people.alice.id) == ["FORBIDDEN"]
    assert await anonymous.codes(query, id=people.alice.id) == ["UNAUTHENTICATED"]


async def test_superusers_and_admin_groups_administrate(
    alice: Caller, admin: Caller, people: People
) -> None:
    query = "{ viewer { isAdmin } admin { user(databaseId: 1) { username } } }"
    assert (await admin.data(query))["viewer"] == {"isAdmin": True}
    assert await alice.codes(query) == ["FORBIDDEN"]
    await User.filter(id=people.alice.id).update(is_superuser=True)
    assert (await alice.data(query))["viewer"] == {"isAdmin": True}


@pytest.mark.database
@pytest.mark.database
@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (None, ["Alice", "bob", "carol", "admin"]),
        ("ALI", ["Alice"]),
        ("anders", ["Alice"]),
        ("example.org", ["Alice"]),
        ("%", []),
        ("_", []),
        ("nobody", []),
    ],
    ids=str,
)
async def test_administrators_search_users(
    admin: Caller, search: str | None, expected: list[str]
) -> None:
    query = """query ($search: String) {
      admin { users(search: $search) { totalCount edges { node { username } } } } }"""
    users = (await admin.data(query, search=search))["admin"]["users"]
    assert [edge["node"]["username"] for edge in users["edges"]] == expected
    assert users["totalCount"] == len(expected)


@pytest.mark.parametrize("search", ["émile", "ÉMILE", "straße", "öZ"])
async def test_search_ignores_case_in_all_alphabets(
    admin: Caller, people: People, search: str
) -> None:
    await User.filter(id=people.bob.id).update(first_name="Émile", last_name="Özstraße")
    query = """query ($search: String) {
      admin { users(search: $search) { edges { node { username } } } } }"""
    found = (await admin.data(query, search=search))["admin"]["users"]["edges"]
    assert [edge["node"]["username"] for edge in found] == ["bob"]


async def test_one_changes_ones_own_names_and_address(alice: Caller, people: People) -> None:
    changes = {"firstName": "  Alicia ", "lastName": "Smith", "primaryEmail": "new@Example.ORG"}
    answer = await alice.data(UPDATE, input={"databaseId": people.alice.id, **changes})
    assert answer["updateUser"] == {
        "user": {
            "firstName": "Alicia",
            "lastName": "Smith",
            "primaryEmail": "new@example.org",
            "allEmails": ["new@example.org", "alice@alt.example.org"],
        },
        "errors": [],
    }


async def test_absent_fields_stay(alice: Caller, people: People) -> None:
    answer = await alice.data(UPDATE, input={"databaseId": people.alice.id, "firstName": "A"})
    user = answer["updateUser"]["user"]
    assert (user["firstName"], user["lastName"]) == ("A", "Anders")
    assert user["primaryEmail"] == "alice@example.org"


async def test_null_removes_the_primary_address(alice: Caller, people: People) -> None:
    answer = await alice.data(UPDATE, input={"databaseId": people.alice.id, "primaryEmail": None})
    assert answer["updateUser"]["user"]["primaryEmail"] is None


async def test_primary_and_alternative_are_swapped(alice: Caller, people: People) -> None:
    change = {"databaseId": people.alice.id, "primaryEmail": "alice@alt.example.org"}
    answer = await alice.data(UPDATE, input=change)
    addresses = answer["updateUser"]["user"]["allEmails"]
    assert addresses == ["alice@alt.example.org", "alice@example.org"]


async def test_repeated_swaps_keep_two_addresses(alice: Caller, people: People) -> None:
    addresses = ("alice@alt.example.org", "alice@example.org")
    for address in addresses * 3:
        change = {"databaseId": people.alice.id, "primaryEmail": address}
        answer = await alice.data(UPDATE, input=change)
    assert answer["updateUser"]["user"]["allEmails"] == list(reversed(addresses))
    row = await User.get(id=people.alice.id)
    assert row.alternative_emails == ["alice@alt.example.org"]


async def test_an_address_of_an_intranet_is_an_address(alice: Caller, people: People) -> None:
    change = {"databaseId": people.alice.id, "primaryEmail": "Alice@Corp.LOCAL"}
    user = (await alice.data(UPDATE, input=change))["updateUser"]["user"]
    assert user["primaryEmail"] == "Alice@corp.local"


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({}, None, "Nothing to change"),
        ({"firstName": None}, "firstName", "may not be null"),
        ({"firstName": " "}, "firstName", "may not be blank"),
        ({"lastName": "x" * 151}, "lastName", "no more than 150 characters"),
        ({"lastName": "a\x00b"}, "lastName", "Control characters"),
        ({"primaryEmail": "alice"}, "primaryEmail", "valid email"),
        ({"primaryEmail": ""}, "primaryEmail", "valid email"),
        ({"primaryEmail": "alice@nowhere.invalid"}, "primaryEmail", "valid email"),
        ({"primaryEmail": "x" * 250 + "@example.org"}, "primaryEmail", "254 characters"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_invalid_change_changes_nothing(
    alice: Caller, people: People, changes: dict[str, object], field: str | None, message: str
) -> None:
    change = {"databaseId": people.alice.id, **changes}
    answer = (await alice.data(UPDATE, input=change))["updateUser"]
    [error] = answer["errors"]
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", field)
    assert message in error["message"]
    assert answer["user"] is None
    row = await User.get(id=people.alice.id)
    assert (row.first_name, row.last_name) == ("Alice", "Anders")


async def test_users_cannot_change_each_other(
    alice: Caller, admin: Caller, anonymous: Caller, people: People
) -> None:
    change = {"databaseId": people.bob.id, "firstName": "Mallory"}
    for caller, code in [
        (alice, "FORBIDDEN"),
        (admin, "FORBIDDEN"),
        (anonymous, "UNAUTHENTICATED"),
    ]:
        answer = (await caller.data(UPDATE, input=change))["updateUser"]
        assert [error["code"] for error in answer["errors"]] == [code]
    assert (await User.get(id=people.bob.id)).first_name == "Bob"
