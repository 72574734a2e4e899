"""The commands of operators: users, groups, sessions and the audit log."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import pytest
from anyio import to_thread
from click.testing import CliRunner, Result

from auth.passwords import Passwords
from models import (
    AuditActor,
    AuditEvent,
    AuditKind,
    AuditOutcome,
    Database,
    Group,
    GroupMembership,
    Membership,
    Session,
    SignInMethod,
    User,
)
from portal.cli.lists import relative_time
from portal.cli.main import cli
from portal.errors import OperatorError
from portal.settings import Settings
from tests.callers import Caller

pytestmark = pytest.mark.database

Command: TypeAlias = Callable[..., Awaitable[Result]]
NOW = datetime.now(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PASSWORD = "a long walk at the sea"


@pytest.fixture
def command(settings: Settings, database: Database) -> Command:
    """Runs a command on the database of the test, without a terminal."""
    database.activate()

    async def run(*arguments: str, text: str = "") -> Result:
        environment = {"KUBEPORTAL_DATABASE_URL": settings.database_url}
        invoke = partial(CliRunner().invoke, cli, arguments, input=text, env=environment)
        return await to_thread.run_sync(invoke)

    return run


async def rows(command: Command, *arguments: str) -> list[dict[str, Any]]:
    result = await command(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def mistakes(result: Result) -> Sequence[str]:
    assert isinstance(result.exception, OperatorError), result.output
    return result.exception.mistakes


async def open_session(user: User, **columns: Any) -> UUID:
    defaults = {"method": SignInMethod.PASSWORD, "created_at": NOW, "expires_at": NOW + DAY}
    return (await Session.create(id=uuid4(), user=user, **{**defaults, **columns})).id


async def newest_event() -> tuple[AuditKind, AuditActor, str]:
    event = await AuditEvent.all().order_by("-id").first()
    assert event is not None
    return event.kind, event.actor_type, event.subject_name


@pytest.mark.parametrize("option", [[], ["--password-stdin"]], ids=str)
async def test_password_comes_from_standard_input(command: Command, option: list[str]) -> None:
    created = await command("user", "create", "bob", *option, text=f"{PASSWORD}\n")
    assert created.stdout == "created bob with id 1\n"
    stored = (await User.get(username="bob")).password_hash
    assert (await Passwords().verify(PASSWORD, stored)).ok


async def test_missing_password_is_reported(command: Command) -> None:
    created = await command("user", "create", "bob")
    assert (created.exit_code, created.stdout) == (0, "created bob with id 1\n")
    assert "bob has no password" in created.stderr
    for arguments in (("create", "eve", "--password-stdin"), ("set-password", "bob")):
        refused = await command("user", *arguments)
        assert mistakes(refused) == ("Password: standard input is empty.",)
    assert not await User.exists(username="eve")


async def test_all_mistakes_of_a_user_are_reported(command: Command) -> None:
    refused = await command("user", "create", " ", "--email", "nowhere")
    first, second = mistakes(refused)
    assert first.startswith("USERNAME: ")
    assert second.startswith("--email: ")


async def test_new_password_ends_sessions(command: Command) -> None:
    bob = await User.create(username="bob")
    await open_session(bob)
    weak = await command("user", "set-password", "bob", text="password1\n")
    assert mistakes(weak)[0].startswith("Password: ")
    changed = await command("user", "set-password", "BOB", text=f"{PASSWORD}\n")
    assert changed.stdout == "set the password of bob, sessions ended: 1\n"
    assert (await Passwords().verify(PASSWORD, (await User.get()).password_hash)).ok
    assert not await Session.exists()
    assert await AuditEvent.filter(kind=AuditKind.PASSWORD_SET).exists()
    missing = await command("user", "set-password", "nobody", text=f"{PASSWORD}\n")
    assert mistakes(missing) == ("There is no user nobody.",)


async def test_deactivation_and_activation(command: Command) -> None:
    bob = await User.create(username="bob")
    await open_session(bob)
    closed = await command("user", "deactivate", "bob")
    assert closed.stdout == "bob is now inactive, sessions ended: 1\n"
    assert not (await User.get()).is_active
    again = await command("user", "deactivate", "bob")
    assert again.stdout == "bob was inactive already\n"
    opened = await command("user", "activate", "bob")
    assert opened.stdout == "bob is now active, sessions ended: 0\n"
    changes = await AuditEvent.filter(kind=AuditKind.USER_CHANGED)
    assert [event.actor_type for event in changes] == [AuditActor.OPERATOR] * 2


async def test_last_administrator_stays_active(command: Command) -> None:
    await User.create(username="root", is_superuser=True, password_hash="x")
    [message] = mistakes(await command("user", "deactivate", "root"))
    assert "without an administrator" in message
    assert (await User.get()).is_active


async def test_users_are_listed_and_filtered(command: Command) -> None:
    ops = await Group.create(name="Ops", can_admin=True)
    bob = await User.create(username="bob", last_name="Zed", last_login_at=NOW - 3 * DAY)
    await User.create(username="alice", last_name="Young", is_active=False)
    await Membership.create(user=bob, group=ops)
    for options, names in (
        ([], ["bob", "alice"]),
        (["--admin"], ["bob"]),
        (["--inactive"], ["alice"]),
        (["--group", "Ops"], ["bob"]),
        (["--access", "approved"], []),
        (["--search", "you"], ["alice"]),
        (["--order-by", "username"], ["alice", "bob"]),
        (["--order-by", "username", "--descending", "--limit", "1"], ["bob"]),
    ):
        found = await rows(command, "user", "list", *options)
        assert [row["username"] for row in found] == names, options
    [row] = await rows(command, "user", "list", "--admin")
    assert (row["isAdmin"], row["isSuperuser"]) == (True, False)
    assert datetime.fromisoformat(row["lastLoginAt"]) == NOW - 3 * DAY
    title, first, _ = (await command("user", "list")).stdout.splitlines()
    assert title.startswith("ID  USER ")
    assert " ".join(first.split()) == f"{bob.id} bob - Zed - yes yes NEW 3 days ago"
    missing = await command("user", "list", "--group", "Nope")
    assert mistakes(missing) == ("There is no group Nope.",)


async def test_long_list_has_all_rows_once(command: Command) -> None:
    await User.bulk_create([User(username=f"user-{number}") for number in range(250)])
    listed = (await command("user", "list", "--order-by", "username")).stdout.splitlines()[1:]
    assert len({line.split()[1] for line in listed}) == len(listed) == 250
    assert len(await rows(command, "user", "list", "--limit", "101")) == 101


async def test_groups_are_listed_with_their_members(command: Command) -> None:
    ops = await Group.create(name="Ops", can_admin=True)
    await Group.create(name="Everyone", membership=GroupMembership.ALL_USERS)
    for name in ("bob", "eve"):
        user = await User.create(username=name)
    await Membership.create(user=user, group=ops)
    found = await rows(command, "group", "list", "--order-by", "name")
    assert [(row["name"], row["memberCount"]) for row in found] == [("Everyone", 2), ("Ops", 1)]
    [row] = await rows(command, "group", "list", "--can-admin")
    assert row["name"] == "Ops"
    [row] = await rows(command, "group", "list", "--membership", "all_users")
    assert row["name"] == "Everyone"


async def test_sessions_are_listed_and_ended(command: Command) -> None:
    bob, eve = [await User.create(username=name) for name in ("bob", "eve")]
    sign_in = await open_session(bob, address="10.0.0.7")
    token = await open_session(bob, method=SignInMethod.TOKEN, name="backup", token_hash="x")
    await open_session(eve, expires_at=datetime.now(UTC) + 12 * HOUR)
    assert len(await rows(command, "session", "list")) == 3
    [row] = await rows(command, "session", "list", "--user", "bob", "--method", "token")
    assert (row["id"], row["name"]) == (str(token), "backup")
    table = (await command("session", "list", "--user", "eve")).stdout
    assert "in 11 h 59 min" in table
    ended = await command("session", "end", str(token))
    assert ended.stdout == "sessions ended: 1\n"
    assert await newest_event() == (AuditKind.TOKEN_DELETED, AuditActor.OPERATOR, "bob")
    ended = await command("session", "end", "--user", "bob")
    assert ended.stdout == "sessions ended: 1\n"
    assert await newest_event() == (AuditKind.SESSION_ENDED, AuditActor.OPERATOR, "bob")
    missing = await command("session", "end", str(sign_in), str(token))
    assert mistakes(missing) == tuple(f"There is no session {each}." for each in (sign_in, token))
    assert (await command("session", "end")).exit_code == 2
    assert await Session.all().count() == 1


async def add_events(count: int, **columns: Any) -> None:
    defaults = {"outcome": AuditOutcome.REFUSED, "actor_type": AuditActor.NOBODY}
    for number in range(count):
        await AuditEvent.create(
            kind=AuditKind.SIGN_IN, happened_at=NOW - number * DAY, **{**defaults, **columns}
        )


async def test_events_are_listed_and_exported(command: Command) -> None:
    await add_events(3)
    await command("user", "create", "bob")
    for options, count in (
        ([], 4),
        (["--kind", "sign_in"], 3),
        (["--kind", "sign_in", "--kind", "user_created"], 4),
        (["--outcome", "succeeded"], 1),
        (["--actor-type", "operator"], 1),
        (["--actor", "bob"], 0),
        (["--actor-id", "1"], 0),
        (["--subject", "bob"], 1),
        (["--subject-type", "user", "--subject-id", "1"], 1),
        (["--until", f"{NOW - HOUR:%Y-%m-%dT%H:%M:%S}"], 2),
        (["--since", f"{NOW - HOUR:%Y-%m-%dT%H:%M:%S%z}"], 2),
    ):
        listed = await rows(command, "audit", "list", *options)
        exported = (await command("audit", "export", *options)).stdout.splitlines()
        assert len(listed) == count, options
        assert [json.loads(line) for line in exported] == listed[::-1]
    table = (await command("audit", "list", "--limit", "3")).stdout.splitlines()
    assert "USER_CREATED" in table[1]
    assert table[3].startswith("1 day ago")
    assert (await command("audit", "list", "--subject-id", "1")).exit_code == 2


async def test_pruning_refuses_the_future(command: Command) -> None:
    await add_events(1)
    tomorrow = f"{NOW + DAY:%Y-%m-%d}"
    refused = await command("audit", "prune", "--before", tomorrow)
    assert mistakes(refused) == (f"--before: {tomorrow} is in the future.",)
    assert await AuditEvent.all().count() == 1


async def test_pruning_asks_on_a_terminal(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_events(3)
    today, oldest = (f"{day:%Y-%m-%d}" for day in (NOW, NOW - 2 * DAY))
    prune = ("audit", "prune", "--before", today)
    summary = f"2 events before {today}, the oldest of {oldest}"
    dry = await command(*prune, "--dry-run")
    assert dry.stdout == f"Dry run, nothing was changed. It would delete {summary}.\n"
    monkeypatch.setattr("portal.cli.audit.is_terminal", lambda: True)
    declined = await command(*prune, text="n\n")
    assert declined.exit_code == 1
    assert f"Delete {summary}?" in declined.stdout
    assert await AuditEvent.all().count() == 3
    assert "deleted 2 events" in (await command(*prune, text="y\n")).stdout
    assert (await command(*prune, "--yes")).stdout == "deleted 0 events\n"


CREATE = """mutation ($username: String!) {
  createUser(input: {username: $username}) { errors { field } } }"""


@pytest.mark.parametrize(
    ("username", "is_valid"),
    [
        ("bad name!", True),
        ("Zoë@example.org", True),
        ("-x+y_z.", True),
        ("n" * 150, True),
        ("n" * 151, False),
        ("ﷺ" * 150, False),
        ("a\tb", False),
        ("a\u200bb", False),
        (" ", False),
    ],
)
async def test_user_names_follow_one_rule(
    command: Command,
    admin: Caller,
    anonymous: Caller,
    username: str,
    is_valid: bool,
    tmp_path: Path,
) -> None:
    await command("user", "create", "--password-stdin", "--", username, text=PASSWORD)
    assert (await User.by_username(username) is not None) == is_valid
    if is_valid:
        await anonymous.sign_in(username.upper(), PASSWORD)
    for door in (partial(create_over_graphql, admin), partial(apply, command, tmp_path)):
        await delete_user(username)
        assert await door(username) == is_valid
        assert (await User.by_username(username) is not None) == is_valid


async def delete_user(username: str) -> None:
    if user := await User.by_username(username):
        await user.delete()


async def create_over_graphql(admin: Caller, username: str) -> bool:
    payload = (await admin.data(CREATE, username=username))["createUser"]
    return not payload["errors"]


async def apply(command: Command, folder: Path, username: str) -> bool:
    file = folder / "portal.yaml"
    await to_thread.run_sync(file.write_text, json.dumps({"users": [{"username": username}]}))
    return (await command("apply", "-f", str(file))).exit_code == 0


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW, "now"),
        (NOW - 0.9 * HOUR, "54 min ago"),
        (NOW + 12 * HOUR - timedelta(seconds=61), "in 11 h 58 min"),
        (NOW - 1.5 * DAY, "1 day ago"),
        (NOW + 400 * DAY, "in 400 days"),
    ],
)
def test_times_are_relative(moment: datetime, text: str) -> None:
    assert relative_time(moment, NOW) == text
