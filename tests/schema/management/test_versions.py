"""Optimistic locking: no change is lost that was made since a row was read."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auth.passwords import Passwords
from models import AuditActor, Group, User, WebApp
from resolvers.changes import Update, WriteOptions
from resolvers.writes import writing
from tests.callers import Caller, People
from tests.declaring import apply_file
from tests.schema.management.calls import answer, done

pytestmark = pytest.mark.database

NOUNS: dict[str, tuple[type[User | Group | WebApp], str, str, str]] = {
    "user": (User, "bob", "updateUserAsAdmin", "deleteUser"),
    "group": (Group, "developers", "updateGroup", "deleteGroup"),
    "webapp": (WebApp, "grafana", "updateWebApp", "deleteWebApp"),
}
NAMES = {"user": "username", "group": "name", "webapp": "name"}
UPDATE_USER = """mutation ($input: UpdateUserInput!) {
  updateUser(input: $input) { user { version } errors { message } } }"""


def target(people: People, noun: str) -> dict[str, Any]:
    row = getattr(people, NOUNS[noun][1])
    return {"databaseId": row.id, "version": row.version}


async def version_of(noun: str, people: People) -> int:
    model, name, *_ = NOUNS[noun]
    return (await model.get(id=getattr(people, name).id)).version


@pytest.mark.parametrize("noun", NOUNS)
async def test_a_change_gives_the_next_version(admin: Caller, people: People, noun: str) -> None:
    _, _, update, delete = NOUNS[noun]
    seen = target(people, noun)
    for version in (2, 3):
        changed = await done(admin, update, **seen, **{NAMES[noun]: f"v{version}"})
        assert changed[noun]["version"] == version
        seen["version"] = version
    await done(admin, delete, **seen)


@pytest.mark.parametrize("noun", NOUNS)
async def test_outdated_change_returns_current_state(
    admin: Caller, people: People, noun: str
) -> None:
    model, _, update, delete = NOUNS[noun]
    seen, name = target(people, noun), NAMES[noun]
    await done(admin, update, **seen, **{name: "first"})
    for mutation, change in ((update, {name: "second"}), (delete, {})):
        payload = await answer(admin, mutation, **seen, **change)
        assert [error["code"] for error in payload["errors"]] == ["CONFLICT"]
        assert (payload[noun][name], payload[noun]["version"]) == ("first", 2)
        assert payload.get("deletedId") is None
    assert getattr(await model.get(id=seen["databaseId"]), name) == "first"


@pytest.mark.parametrize("noun", NOUNS)
async def test_concurrent_changes_have_one_winner(admin: Caller, people: People, noun: str) -> None:
    update, seen, name = NOUNS[noun][2], target(people, noun), NAMES[noun]
    payloads = await asyncio.gather(
        *(answer(admin, update, **seen, **{name: f"number {number}"}) for number in range(5))
    )
    assert sorted(len(payload["errors"]) for payload in payloads) == [0, 1, 1, 1, 1]
    [made] = [payload[noun][name] for payload in payloads if not payload["errors"]]
    assert {payload[noun][name] for payload in payloads} == {made}
    assert await version_of(noun, people) == 2


async def test_a_change_of_oneself_counts(admin: Caller, bob: Caller, people: People) -> None:
    change = {"databaseId": people.bob.id, "lastName": "Brown"}
    assert (await bob.data(UPDATE_USER, input=change))["updateUser"]["user"]["version"] == 2
    payload = await answer(admin, "updateUserAsAdmin", **target(people, "user"), firstName="B")
    assert [error["code"] for error in payload["errors"]] == ["CONFLICT"]
    assert payload["user"]["lastName"] == "Brown"


async def test_waiting_change_is_refused(admin: Caller, people: People) -> None:
    options = WriteOptions(now=datetime.now(UTC), google=False)
    async with writing(AuditActor.OPERATOR, options) as writer:
        bob = await User.get(id=people.bob.id)
        await writer.write([Update(bob, {"last_name": "Brown"})])
        waiting = asyncio.create_task(
            answer(admin, "updateUserAsAdmin", **target(people, "user"), lastName="Black")
        )
        await asyncio.sleep(0.2)  # until it waits
    payload = await waiting
    assert [error["code"] for error in payload["errors"]] == ["CONFLICT"]
    assert payload["user"]["lastName"] == "Brown"


async def test_applied_changes_raise_the_version(people: People, tmp_path: Path) -> None:
    file = tmp_path / "portal.yaml"
    file.write_text(
        "users: [{username: bob, lastName: Brown}, {username: carol}]\n"
        "groups: [{name: Developers, canAdmin: true}, {name: Operators, canAdmin: true}]\n"
        "webapps: [{name: Grafana, linkShow: false}, {name: Hidden, linkShow: false}]\n"
    )
    for _ in range(2):
        await apply_file(file, Passwords(), dry_run=False)
    assert [await version_of(noun, people) for noun in NOUNS] == [2, 2, 2]
    for model in (User, Group, WebApp):
        versions = sorted(row.version for row in await model.all())
        assert versions == [1] * (len(versions) - 1) + [2]


async def test_links_and_sign_ins_keep_the_version(admin: Caller, people: People) -> None:
    group = {"databaseId": people.developers.id}
    await done(admin, "addGroupMembers", **group, users=[people.bob.id])
    await done(admin, "grantWebApps", **group, webapps=[people.unrelated.id])
    await done(admin, "setPassword", databaseId=people.bob.id, password="purple monkey 42")
    await admin.sign_in("bob", "purple monkey 42")
    assert [await version_of(noun, people) for noun in NOUNS] == [1, 1, 1]
