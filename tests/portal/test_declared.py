"""Declared state: what a file says is made so, all or nothing."""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tortoise.transactions import in_transaction

from auth.passwords import Passwords
from models import (
    AccessState,
    Database,
    EffectiveMembership,
    Grant,
    Group,
    GroupMembership,
    Membership,
    ServiceAccount,
    Session,
    SignInMethod,
    User,
    VerifiedEmail,
    WebApp,
)
from portal.declared import DeclarationError, apply_file
from tests.callers import Caller, Clock
from tests.statements import recorded_statements

Declare = Callable[..., Coroutine[Any, Any, str]]

EXAMPLE = Path(__file__).parents[2] / "deploy" / "example" / "portal.yaml"
DJANGO_HASH = "pbkdf2_sha256$150000$yNteGoLEF5rg$5B5k1+cGA8ip44Ng1EXg1YbJW61Kxay187YwD1aLaFA="
ANOTHER_HASH = "pbkdf2_sha1$1000$w1ippwSyimoXMpgRzBJju2$wCX0tQy421n+zDa5JaMReS+KLJ0="
STATE = """\
groups:
  - {name: Developers, canAdmin: true, webapps: [Grafana, Wiki]}
  - {name: Everyone, membership: ALL_USERS}
  - {name: Cluster, membership: CLUSTER_USERS}
webapps:
  - {name: Grafana, linkName: Metrics, linkUrl: "https://{{namespace}}.example.org", linkShow: true}
  - {name: Wiki}
users:
  - username: Alice
    firstName: Alice
    lastName: Anders
    primaryEmail: alice@EXAMPLE.org
    alternativeEmails: [alice@alt.example.org]
    verifiedEmails: [Alice@Example.org]
    superuser: true
    password: correct horse
    groups: [Developers]
    serviceAccount: {namespace: team-alice, name: alice, cluster: west}
  - {username: bob, active: false}
"""


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(refusal_seconds=0)


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passwords: Passwords) -> Declare:
    """Applies a text as the file portal.yaml."""
    monkeypatch.chdir(tmp_path)

    async def declare(text: str | bytes, *, dry_run: bool = False) -> str:
        write(text)
        return await apply_file(Path("portal.yaml"), passwords, dry_run=dry_run)

    return declare


def write(text: str | bytes) -> None:
    Path("portal.yaml").write_bytes(text.encode() if isinstance(text, str) else text)


async def everything() -> dict[str, Any]:
    """All rows of the database."""
    models = (User, Group, Membership, WebApp, Grant, ServiceAccount, Session, VerifiedEmail)
    return {model.__name__: await model.all().order_by("id").values() for model in models}


async def groups_of(username: str) -> set[str]:
    memberships = EffectiveMembership.filter(user__username=username).select_related("group")
    return {membership.group.name async for membership in memberships}


async def webapps_of(group: str) -> set[str]:
    grants = Grant.filter(group__name=group).select_related("webapp")
    return {grant.webapp.name async for grant in grants}


async def session_of(user: User, clock: Clock) -> Session:
    return await Session.create(
        id=uuid4(),
        user=user,
        method=SignInMethod.PASSWORD,
        created_at=clock.now,
        last_used_at=clock.now,
        expires_at=clock.now + timedelta(hours=1),
    )


# What is named becomes so


async def test_everything_that_a_file_names_is_made(
    database: Database, declare: Declare, passwords: Passwords
) -> None:
    await declare(STATE)
    alice = await User.get(username="Alice").select_related("service_account")
    assert (alice.first_name, alice.last_name) == ("Alice", "Anders")
    assert alice.all_emails == ["alice@example.org", "alice@alt.example.org"]
    assert alice.is_superuser
    assert alice.is_active
    assert (await passwords.verify("correct horse", alice.password_hash)).ok
    assert alice.access_state == AccessState.APPROVED
    account = alice.service_account
    assert account
    assert (account.namespace, account.name, account.cluster) == ("team-alice", "alice", "west")
    assert await groups_of("Alice") == {"Developers", "Everyone", "Cluster"}
    assert [v.address for v in await VerifiedEmail.filter(user=alice)] == ["alice@example.org"]
    assert not (await User.get(username="bob")).is_active
    assert (await Group.get(name="Developers")).can_admin
    assert await webapps_of("Developers") == {"Grafana", "Wiki"}
    grafana = await WebApp.get(name="Grafana")
    assert (grafana.link_name, grafana.link_show) == ("Metrics", True)
    assert grafana.link_url == "https://{{namespace}}.example.org"


async def test_the_diff_names_every_change(database: Database, declare: Declare) -> None:
    assert (await declare(STATE)).splitlines() == [
        "+ group Developers: canAdmin true",
        "+ group Everyone: membership ALL_USERS",
        "+ group Cluster: membership CLUSTER_USERS",
        '+ web app Grafana: linkName "Metrics", linkUrl "https://{{namespace}}.example.org",'
        " linkShow true",
        "+ web app Wiki",
        "+ grant Grafana to Developers",
        "+ grant Wiki to Developers",
        "+ service account team-alice:alice in west",
        '+ user Alice: firstName "Alice", lastName "Anders", primaryEmail "alice@example.org",'
        " alternativeEmails [alice@alt.example.org], superuser true,"
        " serviceAccount team-alice:alice in west, accessState APPROVED, password set",
        "+ membership Alice in Developers",
        "+ verified e-mail alice@example.org of Alice",
        "+ user bob: active false",
        "12 added, 0 changed, 0 removed.",
    ]
    changed = """
groups: [{name: Developers, canAdmin: false, webapps: [Wiki]}]
webapps: [{name: Wiki, linkName: The wiki}]
users:
  - {username: alice, lastName: Ander, primaryEmail: null, groups: [], serviceAccount: null}
"""
    assert (await declare(changed)).splitlines() == [
        "~ group Developers: canAdmin true → false",
        '~ web app Wiki: linkName none → "The wiki"',
        "- grant Grafana to Developers",
        '~ user Alice: lastName "Anders" → "Ander", primaryEmail "alice@example.org" → none,'
        " serviceAccount team-alice:alice in west → none, accessState APPROVED → NEW",
        "- membership Alice in Developers",
        "0 added, 3 changed, 2 removed.",
    ]


async def test_applying_a_file_again_changes_nothing(database: Database, declare: Declare) -> None:
    await declare(STATE)
    before = await everything()
    assert await declare(STATE) == "Nothing to change."
    assert await declare(STATE, dry_run=True) == "Nothing to change."
    assert await everything() == before


async def test_a_dry_run_shows_the_same_diff_and_changes_nothing(
    database: Database, declare: Declare, clock: Clock
) -> None:
    await declare(STATE)
    alice = await User.get(username="Alice")
    await session_of(alice, clock)
    changed = STATE.replace("correct horse", "battery staple").replace("[Developers]", "[]")
    changed = changed.replace("[Grafana, Wiki]", "[]") + "  - {username: carol}\n"
    before = await everything()
    *foreseen, summary = (await declare(changed, dry_run=True)).splitlines()
    assert summary == ("Dry run, nothing was changed. It would be: 1 added, 1 changed, 3 removed.")
    assert await everything() == before
    assert (await declare(changed)).splitlines() == [*foreseen, "1 added, 1 changed, 3 removed."]


async def test_what_a_file_does_not_name_is_left_alone(
    database: Database, declare: Declare
) -> None:
    await declare(STATE)
    before = await everything()
    named = "users: [{username: Alice}]\ngroups: [{name: Developers}]\nwebapps: [{name: Wiki}]"
    for text in ("{}", "users: []", "groups: []\nwebapps: []", named):
        assert await declare(text) == "Nothing to change."
    assert await everything() == before


async def test_user_names_match_without_regard_to_case_and_keep_their_spelling(
    database: Database, declare: Declare
) -> None:
    await declare("users: [{username: Straße}]")
    diff = await declare("users: [{username: STRASSE, firstName: Sina}]")
    assert diff.splitlines()[0] == '~ user Straße: firstName "" → "Sina"'
    assert (await User.get()).username == "Straße"


async def test_memberships_that_are_not_listed_are_removed(
    database: Database, declare: Declare
) -> None:
    groups = "groups: [{name: A}, {name: B}, {name: C}]\n"
    await declare(
        groups + "users: [{username: alice, groups: [A, B]}, {username: bob, groups: [A]}]"
    )
    await declare("users: [{username: alice, groups: [B, C]}]")
    assert await groups_of("alice") == {"B", "C"}
    assert await groups_of("bob") == {"A"}
    await declare("users: [{username: alice, groups: []}]")
    assert await groups_of("alice") == set()


async def test_a_membership_made_by_hand_does_not_survive_in_a_group_that_fills_itself(
    database: Database, declare: Declare
) -> None:
    await declare("groups: [{name: A}]\nusers: [{username: alice, groups: [A]}]")
    await declare(
        "groups: [{name: A, membership: CLUSTER_USERS}]\nusers: [{username: alice, groups: []}]"
    )
    await declare("groups: [{name: A, membership: MANUAL}]")
    assert await groups_of("alice") == set()


async def test_grants_that_are_not_listed_are_removed(database: Database, declare: Declare) -> None:
    await declare(STATE)
    await declare("groups: [{name: Developers, webapps: [Wiki]}, {name: Cluster, webapps: [Wiki]}]")
    assert await webapps_of("Developers") == {"Wiki"}
    assert await webapps_of("Cluster") == {"Wiki"}


async def test_null_clears_what_may_be_missing(database: Database, declare: Declare) -> None:
    await declare(STATE)
    await declare("""
webapps: [{name: Grafana, linkName: null, linkUrl: null}]
users: [{username: alice, primaryEmail: null, alternativeEmails: [], firstName: ""}]
""")
    grafana = await WebApp.get(name="Grafana")
    assert (grafana.link_name, grafana.link_url, grafana.link_show) == (None, None, True)
    alice = await User.get(username="Alice")
    assert (alice.first_name, alice.all_emails) == ("", [])


# Access to the cluster


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AccessState.NEW, AccessState.NEW),
        (AccessState.REQUESTED, AccessState.REQUESTED),
        (AccessState.REJECTED, AccessState.REJECTED),
        (AccessState.APPROVED, AccessState.NEW),
    ],
)
async def test_a_service_account_is_access_and_none_takes_only_that_away(
    database: Database, declare: Declare, before: AccessState, after: AccessState
) -> None:
    await User.create(username="alice", access_state=before)
    await declare("users: [{username: alice, serviceAccount: null}]")
    assert (await User.get()).access_state == after
    await declare("users: [{username: alice, serviceAccount: {namespace: a, name: b.c}}]")
    assert (await User.get()).has_access_at(datetime.now(UTC))


async def test_declared_access_does_not_expire(database: Database, declare: Declare) -> None:
    await User.create(username="alice", access_expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    said = await declare("users: [{username: alice, serviceAccount: {namespace: a, name: b}}]")
    assert 'accessExpiresAt "2020-01-01 00:00:00+00:00" → none' in said
    assert (await User.get()).has_access_at(datetime.now(UTC))


async def test_a_service_account_is_made_once_for_all_its_users(
    database: Database, declare: Declare
) -> None:
    account = "serviceAccount: {namespace: shared, name: default}"
    await declare(f"users: [{{username: a, {account}}}, {{username: b, {account}}}]")
    await declare(f"users: [{{username: c, {account}}}]")
    assert await ServiceAccount.all().count() == 1
    assert await User.filter(service_account__namespace="shared").count() == 3


# Passwords


async def test_a_password_is_set_only_when_it_differs(
    database: Database, declare: Declare, passwords: Passwords, clock: Clock
) -> None:
    text = "users: [{username: alice, password: one fine day}]"
    assert "password set" in await declare(text)
    first = await User.get()
    await session_of(first, clock)
    assert await declare(text) == "Nothing to change."
    assert (await User.get()).password_hash == first.password_hash
    diff = await declare(text.replace("one", "two"))
    assert diff.splitlines()[0] == "~ user alice: password changed, sessions ended: 1"
    assert (await passwords.verify("two fine day", (await User.get()).password_hash)).ok
    assert await Session.all().count() == 0


async def test_a_password_leaves_a_django_hash_of_it_as_it_is(
    database: Database, declare: Declare
) -> None:
    await User.create(username="alice", password_hash=DJANGO_HASH)
    assert await declare("users: [{username: alice, password: alicepw}]") == "Nothing to change."
    assert (await User.get()).password_hash == DJANGO_HASH


async def test_a_declared_hash_stays_upgraded_after_a_sign_in(
    database: Database, declare: Declare, anonymous: Caller
) -> None:
    database.activate()
    text = f"users: [{{username: alice, passwordHash: {DJANGO_HASH}}}]"
    assert "password set" in await declare(text)
    await anonymous.sign_in("alice", "alicepw")
    database.activate()
    upgraded = (await User.get()).password_hash
    assert upgraded != DJANGO_HASH
    assert await declare(text) == "Nothing to change."
    assert (await User.get()).password_hash == upgraded
    assert await Session.all().count() == 1


async def test_another_declared_hash_replaces_the_password(
    database: Database, declare: Declare, clock: Clock
) -> None:
    await declare(f"users: [{{username: alice, passwordHash: {DJANGO_HASH}}}]")
    await session_of(await User.get(), clock)
    diff = await declare(f"users: [{{username: alice, passwordHash: {ANOTHER_HASH}}}]")
    assert diff.splitlines()[0] == "~ user alice: password changed, sessions ended: 1"
    assert (await User.get()).password_hash == ANOTHER_HASH
    assert await Session.all().count() == 0


async def test_a_hash_that_is_stored_already_ends_no_session(
    database: Database, declare: Declare, clock: Clock
) -> None:
    alice = await User.create(username="alice", password_hash=DJANGO_HASH)
    await session_of(alice, clock)
    text = f"users: [{{username: alice, passwordHash: {DJANGO_HASH}}}]"
    assert (await declare(text)).splitlines()[0] == "~ user alice: passwordHash noted as declared"
    assert await declare(text) == "Nothing to change."
    assert await Session.all().count() == 1


async def test_a_hash_counts_again_after_a_password_was_declared(
    database: Database, declare: Declare
) -> None:
    by_hash = f"users: [{{username: alice, passwordHash: {DJANGO_HASH}}}]"
    await declare(by_hash)
    await declare("users: [{username: alice, password: another horse}]")
    assert (await User.get()).declared_password_hash is None
    assert "password changed" in await declare(by_hash)
    assert (await User.get()).password_hash == DJANGO_HASH


async def test_neither_passwords_nor_hashes_are_ever_shown(
    database: Database, declare: Declare
) -> None:
    hidden = "users: [{username: alice, password: hunter2 and dog}]"
    hashed = f"users: [{{username: alice, passwordHash: {DJANGO_HASH}}}]"
    shown = [await declare(text, dry_run=dry) for text in (hidden, hashed) for dry in (True, False)]
    stored = (await User.get()).password_hash
    assert "hunter2" not in "".join(shown)
    assert "pbkdf2" not in "".join(shown)
    assert str(stored) not in "".join(shown)


async def test_a_closed_account_is_refused_and_its_sessions_do_not_come_back_with_it(
    database: Database, declare: Declare, anonymous: Caller
) -> None:
    users = [f"{{username: {name}, password: one fine day}}" for name in ("alice", "bob")]
    await declare(f"users: [{', '.join(users)}]")
    alice, bob = [await anonymous.sign_in(name, "one fine day") for name in ("alice", "bob")]
    await declare("users: [{username: alice, active: false}, {username: bob, active: true}]")
    refused = await alice.rest("GET", "/users/1/")
    assert refused.status_code == 401
    assert refused.json() == {"detail": "User is inactive", "code": "user_inactive"}
    diff = await declare("users: [{username: alice, active: true}]")
    assert diff.splitlines()[0] == "~ user alice: active false → true, sessions ended: 1"
    assert (await alice.rest("GET", "/users/1/")).json()["code"] == "token_not_valid"
    assert (await bob.rest("GET", "/users/2/")).status_code == 200


# Verified addresses


async def test_verified_addresses_are_exactly_the_listed_ones(
    database: Database, declare: Declare
) -> None:
    await declare("users: [{username: alice, verifiedEmails: [A@example.org, b@example.org]}]")
    await declare("users: [{username: alice, verifiedEmails: [B@example.org, c@example.org]}]")
    assert {v.address for v in await VerifiedEmail.all()} == {"b@example.org", "c@example.org"}


async def test_a_verified_address_may_move_when_the_file_says_so_on_both_sides(
    database: Database, declare: Declare
) -> None:
    await declare("users: [{username: alice, verifiedEmails: [a@example.org]}, {username: bob}]")
    with pytest.raises(DeclarationError, match=r"is a verified address of alice already$"):
        await declare("users:\n  - {username: bob, verifiedEmails: [a@example.org]}")
    await declare("""
users:
  - {username: bob, verifiedEmails: [a@example.org]}
  - {username: alice, verifiedEmails: []}
""")
    assert (await VerifiedEmail.get().select_related("user")).user.username == "bob"


# All or nothing


async def test_a_statement_that_fails_midway_undoes_all_others(
    database: Database, declare: Declare
) -> None:
    if database.sqlite_path:
        refuse = (
            "CREATE TRIGGER refuse BEFORE INSERT ON verified_emails"
            " BEGIN SELECT RAISE(ABORT, ''); END"
        )
    else:
        refuse = "ALTER TABLE verified_emails ADD CHECK (address = '')"
    await declare("groups: [{name: Developers}]\nusers: [{username: bob}]")
    await database.connection.execute_query(refuse)
    before = await everything()
    with pytest.raises(DeclarationError, match="nothing was changed here, run it again"):
        await declare(STATE)
    assert await everything() == before


async def test_files_applied_at_the_same_time_take_turns(
    database: Database, declare: Declare
) -> None:
    async def apply() -> str:
        another = Database(database.url)
        await another.open()
        try:
            return await apply_file(Path("portal.yaml"), Passwords(), dry_run=False)
        finally:
            await another.close()

    write(STATE.replace("password: correct horse", ""))
    answers = sorted(await asyncio.gather(*(asyncio.create_task(apply()) for _ in range(3))))
    assert answers[1:] == ["Nothing to change."] * 2
    assert await User.all().count() == 2


async def test_a_name_taken_at_the_same_time_ends_cleanly(
    database: Database, declare: Declare
) -> None:
    another = Database(database.url)
    taken, release = asyncio.Event(), asyncio.Event()

    async def take() -> None:
        await another.open()
        async with in_transaction():
            await User.create(username="Alice")
            taken.set()
            await release.wait()
        await another.close()

    taking = asyncio.create_task(take())
    await taken.wait()
    applying = asyncio.create_task(declare(STATE))
    await asyncio.sleep(0.3)
    release.set()
    await taking
    (result,) = await asyncio.gather(applying, return_exceptions=True)
    if database.sqlite_path:
        assert "~ user Alice" in str(result)
    else:
        assert isinstance(result, DeclarationError)
        assert "run it again" in str(result)
        assert await Group.all().count() == 0
    await declare(STATE)
    assert await groups_of("Alice") == {"Developers", "Everyone", "Cluster"}


async def test_a_password_changed_while_it_was_compared_is_not_overwritten(
    database: Database, declare: Declare
) -> None:
    class Slow(Passwords):
        async def hash(self, password: str, owner: Iterable[str] = ()) -> str:
            await User.all().update(password_hash=DJANGO_HASH)
            return await super().hash(password, owner)

    await User.create(username="alice")
    write("users: [{username: alice, password: one fine day, firstName: A}]")
    with pytest.raises(DeclarationError, match="run it again"):
        await apply_file(Path("portal.yaml"), Slow(), dry_run=False)
    alice = await User.get()
    assert (alice.password_hash, alice.first_name) == (DJANGO_HASH, "")


async def test_two_thousand_users_are_quick_and_take_few_statements(
    database: Database, declare: Declare
) -> None:
    users = [
        f"""
  - username: user{number}
    firstName: First
    primaryEmail: user{number}@example.org
    alternativeEmails: [user{number}@alt.example.org]
    verifiedEmails: [user{number}@example.org]
    groups: [Developers, Operators]
    serviceAccount: {{namespace: team-{number}, name: default}}"""
        for number in range(2000)
    ]
    text = "groups: [{name: Developers}, {name: Operators}]\nusers:" + "".join(users)
    changed = text.replace("Operators]", "]").replace("firstName: First", "superuser: true")
    started = time.monotonic()
    assert (await declare(text)).endswith("10002 added, 0 changed, 0 removed.")
    assert time.monotonic() - started < 15
    with recorded_statements() as statements:
        assert (await declare(changed)).endswith("0 added, 2000 changed, 2000 removed.")
    assert len(statements) < 60
    assert await declare(changed) == "Nothing to change."
    assert await groups_of("user1999") == {"Developers"}
    assert await User.filter(first_name="First", is_superuser=True).count() == 2000


# The example


async def test_the_example_applies_and_its_people_sign_in(
    database: Database, passwords: Passwords, anonymous: Caller
) -> None:
    database.activate()
    await apply_file(EXAMPLE, passwords, dry_run=False)
    assert await apply_file(EXAMPLE, passwords, dry_run=False) == "Nothing to change."
    query = "{ viewer { isAdmin accessState webapps { name } } }"
    seen = {}
    for name in ("admin", "alice", "bob", "carol"):
        caller = await anonymous.sign_in(name, f"{name}-demo")
        seen[name] = (await caller.data(query))["viewer"]
    assert {name: viewer["isAdmin"] for name, viewer in seen.items()} == {
        "admin": True,
        "alice": True,
        "bob": False,
        "carol": False,
    }
    assert seen["bob"]["accessState"] == "APPROVED"
    assert {webapp["name"] for webapp in seen["carol"]["webapps"]} == {"Handbook", "Notebooks"}


# Reading


async def test_a_dash_is_standard_input(
    database: Database, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give(text: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))

    give("users: [{username: ünal}]".encode())
    await apply_file(Path("-"), passwords, dry_run=False)
    assert (await User.get()).username == "ünal"
    give(b"users: 1")
    with pytest.raises(DeclarationError, match=r"^stdin:1: users: must be a list$"):
        await apply_file(Path("-"), passwords, dry_run=False)


async def test_anchors_and_merge_keys_work(database: Database, declare: Declare) -> None:
    await declare("""
groups: [{name: A}, {name: B}]
users:
  - &alice {username: alice, groups: &both [A, B], firstName: Al}
  - {<<: *alice, username: bob, firstName: Bob}
  - {<<: [{lastName: Chen}, *alice], username: carol, groups: *both}
""")
    assert await groups_of("bob") == await groups_of("carol") == {"A", "B"}
    names = await User.all().order_by("id").values_list("first_name", "last_name")
    assert names == [("Al", ""), ("Bob", ""), ("Al", "Chen")]


async def test_a_byte_order_mark_is_no_mistake(database: Database, declare: Declare) -> None:
    await declare(b"\xef\xbb\xbfusers: [{username: alice}]")
    assert await User.exists(username="alice")


# Mistakes


def user(entry: str) -> str:
    return f"users:\n  - username: alice\n    {entry}"


def group(entry: str) -> str:
    return f"groups:\n  - name: Developers\n    {entry}"


def webapp(entry: str) -> str:
    return f"webapps:\n  - name: Grafana\n    {entry}"


LABEL = (
    "enter a Kubernetes name: at most 63 lower-case letters, digits and dashes,"
    " with a letter or digit at both ends"
)
SUBDOMAIN = (
    "enter a Kubernetes name: at most 253 lower-case letters, digits, dashes and dots,"
    " with a letter or digit at both ends of each part"
)
TEXT = "must be a text: put it in quotes"
CONTROL = "may not have control characters or line breaks"
TAG = "unknown tag: put a text that begins with ! in quotes"
EASY = "This password is too easy to guess: common, a pattern, or made of its owner's names."
USER_KEYS = (
    "username, firstName, lastName, primaryEmail, alternativeEmails, verifiedEmails, superuser,"
    " active, password, passwordHash, groups, serviceAccount"
)
PLACEHOLDERS = "the only placeholders are {{namespace}} and {{serviceaccount}}"
URL = "enter a URL that begins with http:// or https://"
MISTAKES = {
    # the document
    "": "the file is empty",
    "# nothing\n": "the file is empty",
    "---\nnull": "the file is empty",
    "text": "1: must have keys and values",
    "\n- users": "2: must have keys and values",
    "users: []\n---\ngroups: []": "2: a second document begins here: only one is allowed",
    "users:\n\t- username: a": "2: a tab can't indent YAML: use spaces",
    "users: [": "1: this is not YAML: expected the node content, but found '<stream end>'",
    "users: []\nx: y: z": "2: this is not YAML: mapping values are not allowed here",
    'users: []\nx: "\\UFFFFFFFF"': "1: this is not YAML: it has an impossible escape or version",
    "users: []\nx: \x07": "2: control characters are not allowed",
    "users: []\n\x00": "2: control characters are not allowed",
    b"users: []\n# caf\xe9": "2: this is not UTF-8",
    "users: []".encode("utf-16"): "1: this is not UTF-8",
    "users:\n  - *a": "2: there is no such anchor: put a text that begins with * in quotes",
    "users:\n  - &a {username: *a}": "2: users[0].username: is nested too deeply",
    "x: &a 1\ny: &a 2": "2: this anchor is there twice: put a text that begins with & in quotes",
    user("password: !secret"): f"3: users[0].password: {TAG}",
    user("password: !my!secret x"): f"3: {TAG}",
    "users: !!python/object:os.system []": f"1: users: {TAG}",
    webapp(
        "linkUrl: {{namespace}}"
    ): "3: webapps[0].linkUrl: a key must be a text: put {{…}} in quotes",
    user("<<: 1"): "3: users[0]: << takes a mapping, or a list of them",
    user(
        "firstName: A\n    firstName: B"
    ): "4: users[0].firstName: this key is there twice, first in line 3",
    "users: []\nusers: []": "2: users: this key is there twice, first in line 1",
    "[" * 500: "the file is nested too deeply",
    "users: " + "[" * 50 + "]" * 50: "1: users[0][0]: is nested too deeply",
    # keys
    "user: []": "1: user: unknown key: did you mean users?",
    "zzz: []": "1: zzz: unknown key: known are groups, webapps, users",
    user("first_name: A"): "3: users[0].first_name: unknown key: did you mean firstName?",
    user("FIRSTNAME: A"): "3: users[0].FIRSTNAME: unknown key: did you mean firstName?",
    group("members: []"): "3: groups[0].members: unknown key: did you mean membership?",
    webapp("linkurl: x"): "3: webapps[0].linkurl: unknown key: did you mean linkUrl?",
    user(
        "serviceAccount: {namespace: a, nam: b, name: c}"
    ): "3: users[0].serviceAccount.nam: unknown key: did you mean name?",
    "users: [{username: a, password:x}]": "1: users[0].password: put a space behind the colon",
    user('"\\e[31m": 1'): f"3: users[0].\\x1b[31m: unknown key: known are {USER_KEYS}",
    # shapes and types
    "users:": "1: users: must be a list",
    "users: {a: b}": "1: users: must be a list",
    "users:\n  - alice": "2: users[0]: must have keys and values",
    "users:\n  - firstName: A": "2: users[0].username: is required",
    "groups: [{}]": "1: groups[0].name: is required",
    "webapps: [{}]": "1: webapps[0].name: is required",
    "users: [{username: 7}]": f"1: users[0].username: {TEXT}",
    "users: [{username: no}]": f"1: users[0].username: {TEXT}",
    "users: [{username: 2026-01-01}]": f"1: users[0].username: {TEXT}",
    "users: [{username: null}]": "1: users[0].username: may not be null",
    "users: [{username: [a]}]": "1: users[0].username: must be a text",
    user("password: 1234"): f"3: users[0].password: {TEXT}",
    user("password: null"): "3: users[0].password: may not be null",
    user("passwordHash:"): "3: users[0].passwordHash: may not be null",
    user("firstName: null"): "3: users[0].firstName: may not be null",
    user("superuser: 1"): "3: users[0].superuser: must be true or false",
    user("active: 'no'"): "3: users[0].active: must be true or false",
    user("active: null"): "3: users[0].active: may not be null",
    user("groups: Developers"): "3: users[0].groups: must be a list",
    user("groups: null"): "3: users[0].groups: must be a list",
    user("groups:\n      - A\n      - 5"): f"5: users[0].groups[1]: {TEXT}",
    user("serviceAccount: default"): "3: users[0].serviceAccount: must have keys and values",
    user("serviceAccount: {namespace: a}"): "3: users[0].serviceAccount.name: is required",
    group(
        "membership: SOME"
    ): "3: groups[0].membership: must be MANUAL, ALL_USERS or CLUSTER_USERS",
    group("membership: 1"): "3: groups[0].membership: must be MANUAL, ALL_USERS or CLUSTER_USERS",
    group("webapps: null"): "3: groups[0].webapps: must be a list",
    webapp("linkShow: maybe"): "3: webapps[0].linkShow: must be true or false",
    # texts
    "users: [{username: ''}]": "1: users[0].username: may not be blank",
    "users: [{username: ' a'}]": "1: users[0].username: may not begin or end with a space",
    'users: [{username: "a\\nb"}]': f"1: users[0].username: {CONTROL}",
    'users: [{username: "\\uD800"}]': f"1: users[0].username: {CONTROL}",
    f"users: [{{username: {'a' * 151}}}]": "1: users[0].username: has more than 150 characters",
    f"users: [{{username: {'ﷺ' * 150}}}]": "1: users[0].username: has more than 150 characters",
    f"groups: [{{name: {'a' * 151}}}]": "1: groups[0].name: has more than 150 characters",
    f"webapps: [{{name: {'a' * 151}}}]": "1: webapps[0].name: has more than 150 characters",
    user(f"lastName: {'a' * 151}"): "3: users[0].lastName: has more than 150 characters",
    user(
        f"primaryEmail: {'a' * 250}@example.org"
    ): "3: users[0].primaryEmail: has more than 254 characters",
    user("primaryEmail: alice"): "3: users[0].primaryEmail: enter a valid email address",
    user("primaryEmail: ''"): "3: users[0].primaryEmail: enter a valid email address",
    user(
        "alternativeEmails: [a@example.org, b]"
    ): "3: users[0].alternativeEmails[1]: enter a valid email address",
    user("verifiedEmails: [b]"): "3: users[0].verifiedEmails[0]: enter a valid email address",
    webapp("linkName: ''"): "3: webapps[0].linkName: may not be blank",
    webapp("linkName: 'of {{user}}'"): f"3: webapps[0].linkName: {PLACEHOLDERS}",
    webapp(
        f"linkUrl: https://example.org/{'a' * 2000}"
    ): "3: webapps[0].linkUrl: has more than 2000 characters",
    webapp("linkUrl: javascript:alert(1)"): f"3: webapps[0].linkUrl: {URL}",
    webapp("linkUrl: //example.org"): f"3: webapps[0].linkUrl: {URL}",
    webapp("linkUrl: https:///path"): f"3: webapps[0].linkUrl: {URL}",
    webapp("linkUrl: https://[::1"): f"3: webapps[0].linkUrl: {URL}",
    webapp("linkUrl: https://a:99999/"): f"3: webapps[0].linkUrl: {URL}",
    webapp("linkUrl: https://example.org/a b"): f"3: webapps[0].linkUrl: {URL}",
    webapp(
        "linkUrl: 'https://example.org/{{ namespace }}'"
    ): f"3: webapps[0].linkUrl: {PLACEHOLDERS}",
    user(
        "serviceAccount: {namespace: A, name: b}"
    ): f"3: users[0].serviceAccount.namespace: {LABEL}",
    user(
        "serviceAccount: {namespace: a.b, name: b}"
    ): f"3: users[0].serviceAccount.namespace: {LABEL}",
    user(
        f"serviceAccount: {{namespace: {'a' * 64}, name: b}}"
    ): f"3: users[0].serviceAccount.namespace: {LABEL}",
    user(
        "serviceAccount: {namespace: a, name: b-}"
    ): f"3: users[0].serviceAccount.name: {SUBDOMAIN}",
    user(
        f"serviceAccount: {{namespace: a, name: {'a' * 254}}}"
    ): f"3: users[0].serviceAccount.name: {SUBDOMAIN}",
    user(
        "serviceAccount: {namespace: a, name: b, cluster: ''}"
    ): "3: users[0].serviceAccount.cluster: may not be blank",
    # passwords
    user("password: ''"): "3: users[0].password: may not be blank",
    user(
        f"password: x\n    passwordHash: {DJANGO_HASH}"
    ): "4: users[0].passwordHash: give a password or its hash, not both",
    user("passwordHash: secret"): "3: users[0].passwordHash: is no hash of Argon2 or Django",
    user(
        "passwordHash: md5$salt$d41d8cd98f00b204e9800998ecf8427e"
    ): "3: users[0].passwordHash: is no hash of Argon2 or Django",
    user(
        f"passwordHash: {DJANGO_HASH[:-1]}"
    ): "3: users[0].passwordHash: is no hash of Argon2 or Django",
}


@pytest.mark.parametrize("text", MISTAKES)
async def test_a_mistake_in_the_format_names_file_line_and_field(
    declare: Declare, text: str | bytes
) -> None:
    with pytest.raises(DeclarationError) as caught:
        await declare(text)
    assert str(caught.value).removeprefix("portal.yaml:").lstrip() == MISTAKES[text]


REFERENCES = {
    user("groups: [Nobody]"): "3: users[0].groups[0]: there is no group Nobody",
    user(
        "groups:\n      - developers"
    ): "4: users[0].groups[0]: there is no group developers: did you mean Developers?",
    user(
        "groups: [Everyone]"
    ): "3: users[0].groups[0]: the group Everyone fills itself (ALL_USERS): leave it out",
    user(
        "groups: [New]\ngroups: [{name: New, membership: CLUSTER_USERS}]"
    ): "3: users[0].groups[0]: the group New fills itself (CLUSTER_USERS): leave it out",
    user(
        "groups: [Developers]\ngroups: [{name: Developers, membership: ALL_USERS}]"
    ): "3: users[0].groups[0]: the group Developers fills itself (ALL_USERS): leave it out",
    group(
        "webapps: [Grafanna]"
    ): "3: groups[0].webapps[0]: there is no web app Grafanna: did you mean Grafana?",
    user(
        "groups: [Developers, Developers]"
    ): "3: users[0].groups[1]: is there twice, first in line 3",
    group(
        "webapps:\n    - Grafana\n    - Grafana"
    ): "5: groups[0].webapps[1]: is there twice, first in line 4",
    user(
        "alternativeEmails: [a@example.org, a@EXAMPLE.org]"
    ): "3: users[0].alternativeEmails[1]: is there twice, first in line 3",
    user(
        "verifiedEmails: [a@example.org]\n  - {username: bob, verifiedEmails: [A@example.org]}"
    ): "4: users[1].verifiedEmails[0]: is there twice, first in line 3",
    user(
        "verifiedEmails: [carol@example.org]"
    ): "3: users[0].verifiedEmails[0]: is a verified address of carol already",
    user(
        "active: true\n  - username: ALICE"
    ): "4: users[1].username: is there twice, first in line 2",
    group(
        "canAdmin: true\n  - name: Developers"
    ): "4: groups[1].name: is there twice, first in line 2",
    webapp(
        "linkShow: true\n  - name: Grafana"
    ): "4: webapps[1].name: is there twice, first in line 2",
    user(f"password: {'x' * 129}"): "3: users[0].password: A password has at most 128 characters.",
    user("password: hunter2"): "3: users[0].password: A password has at least 8 characters.",
    user("password: 2024alice"): f"3: users[0].password: {EASY}",
    user(
        "password: gtweak99\n    alternativeEmails: [gtweak@example.org]"
    ): f"3: users[0].password: {EASY}",
    user('password: "one fine\\0day"'): "3: users[0].password: A password has no NUL characters.",
}


async def test_a_mistake_about_other_things_names_line_and_field_and_changes_nothing(
    database: Database, declare: Declare
) -> None:
    await Group.create(name="Developers")
    await Group.create(name="Everyone", membership=GroupMembership.ALL_USERS)
    await WebApp.create(name="Grafana")
    carol = await User.create(username="carol")
    await VerifiedEmail.create(user=carol, address="carol@example.org")
    before = await everything()
    found = {}
    for text in REFERENCES:
        for dry_run in (True, False):
            with pytest.raises(DeclarationError) as caught:
                await declare(f"{text}\n", dry_run=dry_run)
            found[text] = str(caught.value).removeprefix("portal.yaml:")
    assert found == REFERENCES
    assert await everything() == before


async def test_all_mistakes_are_listed_by_line(database: Database, declare: Declare) -> None:
    with pytest.raises(DeclarationError) as caught:
        await declare("users:\n- firstName: 1\n  x: 2\n- {username: b, primaryEmail: b, x: 1}")
    assert str(caught.value).split("; ") == [
        f"portal.yaml:2: users[0].firstName: {TEXT}",
        "portal.yaml:2: users[0].username: is required",
        f"portal.yaml:3: users[0].x: unknown key: known are {USER_KEYS}",
        "portal.yaml:4: users[1].primaryEmail: enter a valid email address",
        f"portal.yaml:4: users[1].x: unknown key: known are {USER_KEYS}",
    ]


@pytest.mark.parametrize(
    "text",
    [
        user("password: *hunter2"),
        user("password: !hunter2"),
        user("password: &hunter2 [x]"),
        user("password: [hunter2]"),
        user("password: {hunter2}"),
        user("password: 'hunter2"),
        user("password: hunter2: x"),
        user("password:hunter2"),
        user("password: @hunter2"),
        "users: [{username: a, password:hunter2, password:hunter2}]",
        user("password: hunter2\n    passwordHash: hunter2"),
    ],
)
async def test_no_mistake_shows_a_password(declare: Declare, text: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        await declare(text)
    assert "hunter2" not in str(caught.value)


def bomb() -> str:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(["l0: &l0 [lol, lol]", *levels])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (bomb(), "the file has more than 1000000 values"),
        ("users: &a\n  - *a", "users[0][0]: is nested too deeply"),
        ("x: &a [" + "x," * 2000 + "]\ny: [" + "*a," * 2000 + "]", "more than 1000000 values"),
        ("#" * (10 * 1024 * 1024 + 1), "the file has more than 10 MiB"),
    ],
)
async def test_a_file_that_grows_out_of_bounds_is_refused_soon(
    declare: Declare, text: str, message: str
) -> None:
    started = time.monotonic()
    with pytest.raises(DeclarationError, match=message.replace("[", r"\[")):
        await declare(text)
    assert time.monotonic() - started < 10


async def test_a_file_that_cannot_be_read_is_a_mistake(
    declare: Declare, passwords: Passwords, tmp_path: Path
) -> None:
    for file, message in {
        Path("no.yaml"): "no.yaml: No such file",
        tmp_path: "Is a directory",
    }.items():
        with pytest.raises(DeclarationError, match=message):
            await apply_file(file, passwords, dry_run=False)
