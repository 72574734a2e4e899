"""Users whose names, addresses, texts or passwords do not fit."""

from __future__ import annotations

from models import (
    ExternalIdentity,
    VerifiedEmail,
)
from portal.legacy.report import Rule
from tests.portal.legacy.cases import Case, id_of, of_user
from tests.portal.legacy.edits import add, change
from tests.portal.legacy.former import (
    ADDRESSES,
    HASHES,
    IDENTITIES,
    JOINED,
    USERS,
    user,
)

HUGE = 2**31 + 5
PEOPLE: dict[str, Case] = {
    "user names in another case": Case(
        add(USERS, user(9, "Alice")),
        Rule.NAME_TAKEN,
        "user 9 (Alice)",
        of_user(9, "username"),
        "Alice-2",
    ),
    "the newer of two names has the lower id": Case(
        add(USERS, user(9, "BOB", date_joined=JOINED)),
        Rule.NAME_TAKEN,
        "user 3 (bob)",
        of_user(9, "username"),
        "BOB",
    ),
    "the suffix is somebody's name": Case(
        add(USERS, user(9, "Alice"), user(10, "alice-2")),
        Rule.NAME_TAKEN,
        "user 9 (Alice)",
        of_user(9, "username"),
        "Alice-3",
    ),
    "another Unicode spelling": Case(
        add(USERS, user(9, "Ａlice")),
        Rule.NAME_TAKEN,
        "user 9 (Ａlice)",
        of_user(9, "username"),
        "Ａlice-2",
    ),
    "no primary address": Case(
        change(USERS, 3, email="bob at home"),
        Rule.ADDRESS_UNFIT,
        "user 3 (bob)",
        of_user(3, "primary_email"),
        None,
    ),
    "no alternative address": Case(
        change(USERS, 3, alt_mails="b@example.org\n\nnone\nb@example.org"),
        Rule.ADDRESS_UNFIT,
        "user 3 (bob)",
        of_user(3, "alternative_emails"),
        ["b@example.org"],
    ),
    "an identity of nobody": Case(
        add(IDENTITIES, {"id": 9, "provider": "google", "uid": "lost", "user_id": 404}),
        Rule.DANGLING,
        "identities",
        lambda: ExternalIdentity.filter(subject="lost").count(),
        0,
    ),
    "a name whose key is too long": Case(
        change(USERS, 3, username="ﷺ" * 25),
        Rule.TEXT_ADAPTED,
        f"user 3 ({'ﷺ' * 25})",
        of_user(3, "username"),
        "ﷺ" * 24,
    ),
    "no name": Case(
        change(USERS, 3, username=""),
        Rule.TEXT_ADAPTED,
        "user 3 ()",
        of_user(3, "username"),
        "user-3",
    ),
    "a blank name": Case(
        change(USERS, 3, username="  "),
        Rule.TEXT_ADAPTED,
        "user 3 (  )",
        of_user(3, "username"),
        "user-3",
    ),
    "a name of null": Case(
        change(USERS, 3, username=None),
        Rule.TEXT_ADAPTED,
        "user 3 ()",
        of_user(3, "username"),
        "user-3",
    ),
    "an identity with control characters": Case(
        add(IDENTITIES, {"id": 9, "provider": "google", "uid": "sub\0", "user_id": 4}),
        Rule.IDENTITY_LEFT,
        "user 4 (carol)",
        lambda: ExternalIdentity.filter(user_id=4).count(),
        0,
    ),
    "a password that takes years to compare": Case(
        change(USERS, 3, password=HASHES["bob"].replace("150000", "2000000000")),
        Rule.PASSWORD_UNKNOWN,
        "user 3 (bob)",
        of_user(3, "password_hash"),
        None,
    ),
    "another provider": Case(
        add(IDENTITIES, {"id": 9, "provider": "twitter", "uid": "t", "user_id": 2}),
        Rule.IDENTITY_LEFT,
        "user 2 (alice)",
        lambda: ExternalIdentity.filter(user_id=2).count(),
        0,
    ),
    "an identity of two users": Case(
        add(IDENTITIES, {"id": 9, "provider": "google", "uid": "sub-of-bob", "user_id": 4}),
        Rule.IDENTITY_LEFT,
        "user 4 (carol)",
        lambda: ExternalIdentity.filter(user_id=4).count(),
        0,
    ),
    "a verified address of two users": Case(
        add(ADDRESSES, {"id": 9, "email": "alice@example.org", "verified": True, "user_id": 4}),
        Rule.ADDRESS_TAKEN,
        "user 4 (carol)",
        lambda: VerifiedEmail.filter(user_id=4).count(),
        0,
    ),
    "an address that was never verified": Case(
        change(ADDRESSES, 1, verified=False),
        Rule.ADDRESS_UNVERIFIED,
        "verified addresses",
        lambda: VerifiedEmail.all().count(),
        0,
    ),
    "a text that is too long": Case(
        change(USERS, 3, first_name="B" * 500),
        Rule.TEXT_ADAPTED,
        "user 3 (bob)",
        of_user(3, "first_name"),
        "B" * 150,
    ),
    "a text with control characters": Case(
        change(USERS, 3, last_name="B\x1b[31mro\nwn"),
        Rule.TEXT_ADAPTED,
        "user 3 (bob)",
        of_user(3, "last_name"),
        "B[31mrown",
    ),
    "a name that is too long": Case(
        change(USERS, 3, username="b" * 400),
        Rule.TEXT_ADAPTED,
        f"user 3 ({'b' * 50})",
        of_user(3, "username"),
        "b" * 150,
    ),
    "an id of 32 bits and more": Case(
        add(USERS, user(HUGE, "zoe")),
        Rule.ID_TAKEN,
        f"user {HUGE} (zoe)",
        lambda: id_of("zoe"),
        7,
    ),
    "an id that leaves no room": Case(
        add(USERS, user(2**31 - 1, "zoe")),
        Rule.ID_TAKEN,
        f"user {2**31 - 1} (zoe)",
        lambda: id_of("zoe"),
        7,
    ),
    "a password of an unknown kind": Case(
        change(USERS, 3, password="md5$salt$0123456789abcdef"),
        Rule.PASSWORD_UNKNOWN,
        "user 3 (bob)",
        of_user(3, "password_hash"),
        None,
    ),
}
