"""A mistake about other things, in the file or the database, names them."""

from __future__ import annotations

import pytest

from models import Database, Group, GroupMembership, User, VerifiedEmail, WebApp
from portal.declared import DeclarationError
from tests.portal.declared.state import Declare, everything
from tests.portal.declared.texts import EASY, TEXT, USER_KEYS, group, user, webapp

pytestmark = pytest.mark.database

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
