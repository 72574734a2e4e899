from __future__ import annotations

from typing import Any

import jwt
import pytest

from auth.tokens import signing_key
from models import Session, User
from tests.callers import SECRET, Caller, Clock, People
from tests.statements import recorded_statements

LOGIN = """
mutation ($username: String!, $password: String!) {
  login(input: {username: $username, password: $password}) {
    accessToken expiresAt
    user { username isAdmin groups { name } }
    errors { code field message }
  }
}
"""
VIEWER = "{ viewer { username } }"
PROTECTED = "{ clusters { name } }"


@pytest.mark.parametrize("username", ["Alice", "alice", "ALICE"])
async def test_username_ignores_case(
    anonymous: Caller, people: People, clock: Clock, username: str
) -> None:
    login = (await anonymous.data(LOGIN, username=username, password="correct horse"))["login"]
    assert login["errors"] == []
    assert login["user"]["username"] == "Alice"
    assert len(login["user"]["groups"]) == 3
    clock.advance(hours=12)
    assert login["expiresAt"] == clock().isoformat()


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("alice", "wrong"),
        ("nobody", "correct horse"),
        ("carol", "correct horse"),
        ("alice", "correct horse\x00"),
        ("\x00", "correct horse"),
        ("a" * 100_000, "correct horse"),
        ("alice", "x" * 100_000),
    ],
    ids=lambda text: repr(text)[:20],
)
async def test_failed_sign_in_hides_the_reason(
    anonymous: Caller, people: People, username: str, password: str
) -> None:
    login = (await anonymous.data(LOGIN, username=username, password=password))["login"]
    assert login == {
        "accessToken": None,
        "expiresAt": None,
        "user": None,
        "errors": [
            {
                "code": "INVALID_CREDENTIALS",
                "field": None,
                "message": "Unable to log in with provided credentials.",
            }
        ],
    }
    assert await Session.all().count() == 0


async def test_empty_password_is_named(anonymous: Caller, people: People) -> None:
    login = (await anonymous.data(LOGIN, username="alice", password=""))["login"]
    assert [(error["code"], error["field"]) for error in login["errors"]] == [
        ("BAD_USER_INPUT", "password")
    ]


async def test_logout_ends_session(alice: Caller) -> None:
    assert (await alice.data(VIEWER))["viewer"]
    await alice.data("mutation { logout { errors { message } } }")
    assert await alice.data(VIEWER) == {"viewer": None}
    answer = await alice.graphql(PROTECTED)
    assert answer["errors"][0]["extensions"]["problem"] == "token_not_valid"


async def test_logout_leaves_other_sessions_alone(
    anonymous: Caller, alice: Caller, people: People
) -> None:
    elsewhere = await anonymous.sign_in("alice", "correct horse")
    await alice.data("mutation { logout { errors { message } } }")
    assert (await elsewhere.data(VIEWER))["viewer"]


async def test_closed_account_is_refused(alice: Caller, people: People) -> None:
    await User.filter(id=people.alice.id).update(is_active=False)
    answer = await alice.graphql(PROTECTED)
    [error] = answer["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "problem": "user_inactive"}


async def test_deleted_user_is_refused(alice: Caller, people: People) -> None:
    await User.filter(id=people.alice.id).delete()
    assert await alice.codes(PROTECTED) == ["UNAUTHENTICATED"]


async def test_session_expires(alice: Caller, clock: Clock) -> None:
    for _ in range(3):
        clock.advance(hours=3, minutes=59)
        assert (await alice.data(VIEWER))["viewer"]
    clock.advance(minutes=3)
    assert await alice.data(VIEWER) == {"viewer": None}
    assert await alice.codes(PROTECTED) == ["UNAUTHENTICATED"]


async def test_idle_session_expires(alice: Caller, clock: Clock) -> None:
    clock.advance(hours=4)
    assert await alice.data(VIEWER) == {"viewer": None}


async def test_session_row_overrides_token_expiry(alice: Caller, clock: Clock) -> None:
    await Session.all().update(expires_at=clock())
    assert await alice.codes(PROTECTED) == ["UNAUTHENTICATED"]


async def test_authentication_is_one_statement(alice: Caller) -> None:
    with recorded_statements() as statements:
        await alice.data(VIEWER)
    assert len(statements) == 1, statements


async def test_last_use_is_stored_by_the_minute(
    alice: Caller, clock: Clock, people: People
) -> None:
    first = (await Session.get(user_id=people.alice.id)).last_used_at
    clock.advance(seconds=59)
    await alice.data(VIEWER)
    assert (await Session.get(user_id=people.alice.id)).last_used_at == first
    clock.advance(seconds=2)
    await alice.data(VIEWER)
    assert (await Session.get(user_id=people.alice.id)).last_used_at == clock()


async def test_session_stores_its_origin(alice: Caller, people: People) -> None:
    session = await Session.get(user_id=people.alice.id)
    assert session.address == "127.0.0.1"
    assert session.client.startswith("python-httpx2/")
    assert (await User.get(id=people.alice.id)).last_login_at == session.created_at


def forged(token: str, **changes: Any) -> str:
    """The token with other claims, headers, or another signature."""
    header = {**jwt.get_unverified_header(token), **changes.pop("header", {})}
    algorithm = header.pop("alg")
    key = signing_key(changes.pop("key", SECRET)) if algorithm == "HS256" else ""
    claims = {**jwt.decode(token, options={"verify_signature": False}), **changes}
    return jwt.encode(claims, key, algorithm, header)


def token_of(caller: Caller) -> str:
    return caller.headers["Authorization"].removeprefix("Bearer ")


async def test_unchanged_token_is_accepted(alice: Caller) -> None:
    caller = Caller(alice.client, {"Authorization": f"Bearer {forged(token_of(alice))}"})
    assert (await caller.data(VIEWER))["viewer"] == {"username": "Alice"}


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "another key that is long enough to sign"},
        {"header": {"alg": "none"}},
        {"header": {"typ": "JWT"}},
        {"header": {"kid": "other"}},
        {"header": {"jku": "http://127.0.0.1:9/keys"}},
        {"iss": "somebody"},
        {"aud": "something"},
        {"exp": 1},
        {"nbf": 2**40},
        {"sid": "a0a0a0a0-0000-4000-8000-000000000000"},
        {"sid": "1"},
    ],
    ids=str,
)
async def test_forged_token_is_anonymous(alice: Caller, changes: dict[str, Any]) -> None:
    token = forged(token_of(alice), **changes)
    caller = Caller(alice.client, {"Authorization": f"Bearer {token}"})
    assert await caller.data(VIEWER) == {"viewer": None}
    assert await caller.codes(PROTECTED) == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    "header",
    ["undefined", "Bearer", "Basic YTpi", "Bearer a b", "Bearer " + "x" * 9000],
    ids=lambda header: header[:12],
)
async def test_malformed_authorization_header_is_anonymous(
    anonymous: Caller, people: People, header: str
) -> None:
    caller = Caller(anonymous.client, {"Authorization": header})
    assert await caller.data(VIEWER) == {"viewer": None}
    assert (await caller.data(LOGIN, username="alice", password="correct horse"))["login"]["user"]
