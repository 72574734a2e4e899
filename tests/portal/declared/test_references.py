"""A mistake about other things, in the file or the database, names line and field."""

from __future__ import annotations

import pytest

from models import Database, Group, GroupMembership, User, VerifiedEmail, WebApp
from portal.declared import DeclarationError
from tests.portal.declared.state import DJANGO_HASH, Declare, everything
from tests.portal.declared.texts import group, user

SELF_FILLING = "3: users[0].groups[0]: This group fills itself."
UNKNOWN_HASH = (
    "3: users[0].passwordHash: This hash cannot be verified: known are Argon2, and of Django"
    " argon2, bcrypt_sha256, pbkdf2_sha256 and pbkdf2_sha1."
)
REFERENCES = {
    user("groups: [Nobody]"): "3: users[0].groups[0]: There is no group Nobody.",
    user(
        "groups:\n      - developers"
    ): "4: users[0].groups[0]: There is no group developers: did you mean Developers?",
    group(
        "webapps: [Grafanna]"
    ): "3: groups[0].webapps[0]: There is no web app Grafanna: did you mean Grafana?",
    user("groups: [Everyone]"): SELF_FILLING,
    user("groups: [New]\ngroups: [{name: New, membership: CLUSTER_USERS}]"): SELF_FILLING,
    user("groups: [Developers]\ngroups: [{name: Developers, membership: ALL_USERS}]"): SELF_FILLING,
    group(
        "membership: ALL_USERS\n    canAdmin: true"
    ): "4: groups[0].canAdmin: A group that fills itself can't make its members administrators.",
    user(
        "verifiedEmails: [a@example.org]\n  - {username: bob, verifiedEmails: [A@example.org]}"
    ): "4: users[1].verifiedEmails[0]: This is a verified address of another user.",
    user(
        "verifiedEmails: [carol@example.org]"
    ): "3: users[0].verifiedEmails[0]: This is a verified address of another user.",
    user(
        "active: false\n    serviceAccount: {namespace: a, name: b}"
    ): "4: users[0].serviceAccount: This account is closed.",
    user(
        "serviceAccount: {namespace: A, name: b}"
    ): "3: users[0].serviceAccount.namespace: The name of a namespace has at most 63 lower-case"
    " letters, digits and '-', and begins and ends with a letter or digit.",
    user("password: hunter2"): "3: users[0].password: A password has at least 8 characters.",
    user("passwordHash: secret"): UNKNOWN_HASH,
    user(f"passwordHash: {DJANGO_HASH[:-1]}"): UNKNOWN_HASH,
}


@pytest.mark.parametrize("text", REFERENCES)
async def test_mistake_changes_nothing(database: Database, declare: Declare, text: str) -> None:
    await Group.create(name="Developers")
    await Group.create(name="Everyone", membership=GroupMembership.ALL_USERS)
    await WebApp.create(name="Grafana")
    carol = await User.create(username="carol")
    await VerifiedEmail.create(user=carol, address="carol@example.org")
    before = await everything()
    for dry_run in (True, False):
        with pytest.raises(DeclarationError) as caught:
            await declare(text, dry_run=dry_run)
        assert str(caught.value).removeprefix("portal.yaml:") == REFERENCES[text]
    assert await everything() == before


async def test_all_errors_are_listed_together(database: Database, declare: Declare) -> None:
    account = "serviceAccount: {namespace: A, name: b}"
    with pytest.raises(DeclarationError) as caught:
        await declare(user(f"password: short\n    groups: [Nobody]\n    {account}"))
    assert [
        line.partition(": ")[2].partition(": ")[0] for line in str(caught.value).splitlines()
    ] == [
        "users[0].password",
        "users[0].groups[0]",
        "users[0].serviceAccount.namespace",
    ]
