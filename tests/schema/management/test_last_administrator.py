"""At least one administrator who can sign in remains."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tortoise.transactions import in_transaction

from auth.passwords import Passwords
from models import ExternalIdentity, Group, Membership, User
from portal.declared import DeclarationError
from portal.settings import Settings
from tests.callers import Caller, People
from tests.declaring import apply_file
from tests.schema.management.calls import answer, done, field_errors

pytestmark = pytest.mark.database

LAST = "This would leave the portal without an administrator who can sign in."
LOSSES: dict[str, tuple[str, str, Callable[[People], dict[str, Any]]]] = {
    "closing": (
        "updateUserAsAdmin",
        "isActive",
        lambda p: {"databaseId": p.admin.id, "version": 1, "isActive": False},
    ),
    "deleting": ("deleteUser", "databaseId", lambda p: {"databaseId": p.admin.id, "version": 1}),
    "removing": (
        "removeGroupMembers",
        "users",
        lambda p: {"databaseId": p.operators.id, "users": [p.admin.id]},
    ),
    "making the group an ordinary one": (
        "updateGroup",
        "canAdmin",
        lambda p: {"databaseId": p.operators.id, "version": 1, "canAdmin": False},
    ),
    "letting the group fill itself": (
        "updateGroup",
        "canAdmin",
        lambda p: {
            "databaseId": p.operators.id,
            "version": 1,
            "canAdmin": False,
            "membership": "ALL_USERS",
        },
    ),
    "deleting the group": (
        "deleteGroup",
        "databaseId",
        lambda p: {"databaseId": p.operators.id, "version": 1},
    ),
}
ADMINISTRATORS = "{ admin { users(filter: {isAdmin: true, isActive: true}) { totalCount } } }"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """One may also sign in with Google."""
    return settings.model_copy(
        update={
            "auth_google_key": "client-id",
            "auth_google_secret": SecretStr("client-secret"),
        }
    )


@pytest.fixture
async def root(people: People, password_hash: str) -> User:
    """A superuser, who is another administrator."""
    return await User.create(username="root", is_superuser=True, password_hash=password_hash)


@pytest.mark.parametrize("loss", LOSSES)
async def test_the_last_administrator_stays(admin: Caller, people: People, loss: str) -> None:
    mutation, field, given = LOSSES[loss]
    assert await field_errors(admin, mutation, **given(people)) == [(field, LAST)]
    assert (await admin.data(ADMINISTRATORS))["admin"]["users"]["totalCount"] == 1


@pytest.mark.parametrize("loss", LOSSES)
async def test_one_of_two_administrators_may_go(
    admin: Caller, root: User, people: People, loss: str
) -> None:
    mutation, _, given = LOSSES[loss]
    await done(admin, mutation, **given(people))


@pytest.mark.parametrize(
    "other",
    [
        {"is_active": False},
        {"password_hash": None},
        {"is_superuser": False},
    ],
    ids=str,
)
async def test_other_administrator_can_sign_in(
    admin: Caller, root: User, people: People, other: dict[str, Any]
) -> None:
    await User.filter(id=root.id).update(**other)
    mutation, field, given = LOSSES["closing"]
    assert await field_errors(admin, mutation, **given(people)) == [(field, LAST)]


async def test_google_administrator_counts(admin: Caller, root: User, people: People) -> None:
    await User.filter(id=root.id).update(password_hash=None)
    await ExternalIdentity.create(provider="google", subject="7", user=root)
    mutation, _, given = LOSSES["closing"]
    await done(admin, mutation, **given(people))


async def test_automatic_group_member_does_not_count(admin: Caller, people: People) -> None:
    await Group.filter(id=people.everyone.id).update(can_admin=True)
    mutation, field, given = LOSSES["closing"]
    assert await field_errors(admin, mutation, **given(people)) == [(field, LAST)]


async def test_the_only_superuser_stays_one(admin: Caller, root: User, people: People) -> None:
    await Membership.filter(group=people.operators).delete()
    caller = await admin.sign_in("root", "correct horse")
    change = {"databaseId": root.id, "version": 1, "isSuperuser": False}
    refused = await field_errors(caller, "updateUserAsAdmin", **change)
    assert refused == [("isSuperuser", LAST)]


async def test_ordinary_users_can_be_deleted(admin: Caller, people: People) -> None:
    await done(admin, "updateUserAsAdmin", databaseId=people.bob.id, version=1, isActive=False)
    await done(admin, "deleteUser", databaseId=people.alice.id, version=1)
    await done(admin, "deleteGroup", databaseId=people.developers.id, version=1)
    change = {"databaseId": people.admin.id, "version": 1, "firstName": "Ada"}
    await done(admin, "updateUserAsAdmin", **change)


@pytest.mark.parametrize("loss", ["closing", "deleting"])
async def test_concurrent_removals_keep_one_administrator(
    admin: Caller, root: User, people: People, loss: str
) -> None:
    other = await admin.sign_in("root", "correct horse")
    mutation, _, given = LOSSES[loss]
    both = User.filter(id__in=(people.admin.id, root.id))
    async with in_transaction():
        await both.update(is_active=True)  # keeps both from being changed
        attempts = [
            asyncio.create_task(answer(caller, mutation, **{**given(people), "databaseId": victim}))
            for caller, victim in ((other, people.admin.id), (admin, root.id))
        ]
        await asyncio.sleep(0.3)  # until both wait
    payloads = await asyncio.gather(*attempts)
    assert sorted(len(payload["errors"]) for payload in payloads) == [0, 1]
    assert await both.filter(is_active=True).count() == 1


@pytest.mark.parametrize("membership", ["ALL_USERS", "CLUSTER_USERS"])
async def test_automatic_group_gives_no_administration(
    admin: Caller, people: People, membership: str
) -> None:
    message = "A group that fills itself can't make its members administrators."
    for mutation, given in (
        ("createGroup", {"name": "All", "canAdmin": True, "membership": membership}),
        (
            "updateGroup",
            {"databaseId": people.operators.id, "version": 1, "membership": membership},
        ),
        ("updateGroup", {"databaseId": people.everyone.id, "version": 1, "canAdmin": True}),
    ):
        assert await field_errors(admin, mutation, **given) == [("canAdmin", message)]


async def test_declared_group_gives_no_administration(people: People, tmp_path: Path) -> None:
    file = tmp_path / "portal.yaml"
    file.write_text("groups: [{name: Everyone, canAdmin: true}]")
    with pytest.raises(DeclarationError, match="canAdmin: A group that fills itself can't"):
        await apply_file(file, Passwords(), dry_run=False)
    assert not (await Group.get(id=people.everyone.id)).can_admin
