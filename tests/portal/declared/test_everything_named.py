"""What a file names becomes so, and nothing else changes."""

from __future__ import annotations

import pytest

from auth.passwords import Passwords
from models import AccessState, Database, Group, User, VerifiedEmail, WebApp
from tests.callers import Clock
from tests.portal.declared.state import (
    STATE,
    Declare,
    everything,
    groups_of,
    session_of,
    webapps_of,
)

pytestmark = pytest.mark.database


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
        '+ user Alice: firstName "Alice", lastName "Anders", primaryEmail "alice@example.org",'
        " alternativeEmails [alice@alt.example.org], superuser true,"
        " password set, serviceAccount team-alice:alice in west",
        "+ membership Alice in Developers",
        "+ verified e-mail alice@example.org of Alice",
        "+ user bob: active false",
        "11 added, 0 changed, 0 removed.",
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
        " serviceAccount team-alice:alice in west → none",
        "- membership Alice in Developers",
        "0 added, 3 changed, 2 removed.",
    ]


async def test_applying_a_file_again_changes_nothing(database: Database, declare: Declare) -> None:
    await declare(STATE)
    before = await everything()
    assert await declare(STATE) == "Nothing to change."
    assert await declare(STATE, dry_run=True) == "Nothing to change."
    assert await everything() == before


async def test_dry_run_prints_diff_only(database: Database, declare: Declare, clock: Clock) -> None:
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


async def test_unnamed_objects_are_unchanged(database: Database, declare: Declare) -> None:
    await declare(STATE)
    before = await everything()
    named = "users: [{username: Alice}]\ngroups: [{name: Developers}]\nwebapps: [{name: Wiki}]"
    for text in ("{}", "users: []", "groups: []\nwebapps: []", named):
        assert await declare(text) == "Nothing to change."
    assert await everything() == before


async def test_usernames_match_case_insensitively(database: Database, declare: Declare) -> None:
    await declare("users: [{username: Straße}]")
    diff = await declare("users: [{username: STRASSE, firstName: Sina}]")
    assert diff.splitlines()[0] == '~ user Straße: firstName "" → "Sina"'
    assert (await User.get()).username == "Straße"


async def test_unlisted_memberships_are_removed(database: Database, declare: Declare) -> None:
    groups = "groups: [{name: A}, {name: B}, {name: C}]\n"
    await declare(
        groups + "users: [{username: alice, groups: [A, B]}, {username: bob, groups: [A]}]"
    )
    await declare("users: [{username: alice, groups: [B, C]}]")
    assert await groups_of("alice") == {"B", "C"}
    assert await groups_of("bob") == {"A"}
    await declare("users: [{username: alice, groups: []}]")
    assert await groups_of("alice") == set()


async def test_grants_that_are_not_listed_are_removed(database: Database, declare: Declare) -> None:
    await declare(STATE)
    await declare("groups: [{name: Developers, webapps: [Wiki]}, {name: Cluster, webapps: [Wiki]}]")
    assert await webapps_of("Developers") == {"Wiki"}
    assert await webapps_of("Cluster") == {"Wiki"}


async def test_null_clears_optional_values(database: Database, declare: Declare) -> None:
    await declare(STATE)
    await declare("""
webapps: [{name: Grafana, linkName: null, linkUrl: null}]
users: [{username: alice, primaryEmail: null, alternativeEmails: [], firstName: ""}]
""")
    grafana = await WebApp.get(name="Grafana")
    assert (grafana.link_name, grafana.link_url, grafana.link_show) == (None, None, True)
    alice = await User.get(username="Alice")
    assert (alice.first_name, alice.all_emails) == ("", [])
