"""Access tokens of the portal."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import jwt
import pytest

from auth.tokens import AccessTokens, InvalidAccessToken, signing_key
from tests.auth.conftest import NOW, Clock

KEY = "k" * 32
OLDER_KEY = "o" * 32
SESSION = UUID("018f4e9e-1111-7000-8000-000000000001")
SECOND = int(NOW.timestamp())
CLAIMS: dict[str, Any] = {
    "iss": "kubeportal",
    "aud": "kubeportal",
    "sub": "7",
    "sid": str(SESSION),
    "iat": SECOND,
    "nbf": SECOND,
    "exp": SECOND + 3600,
}


@pytest.fixture
def tokens(clock: Clock) -> AccessTokens:
    return AccessTokens(keys=[KEY], clock=clock)


@pytest.fixture
def token(tokens: AccessTokens) -> str:
    return issue(tokens)


def issue(tokens: AccessTokens, expires_at: datetime = NOW + timedelta(hours=1)) -> str:
    return tokens.issue(session_id=SESSION, user_id=7, expires_at=expires_at)


def forge(token: str, changes: Mapping[str, object], *, key: str = KEY) -> str:
    """The token with other claims, signed with the same key."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    payload = json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, signing_key(key), "HS256", jwt.get_unverified_header(token))


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_names_its_session(tokens: AccessTokens, token: str) -> None:
    assert tokens.verify(token) == SESSION


def test_a_token_says_what_it_is_and_for_whom(token: str) -> None:
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (header["alg"], header["typ"]) == ("HS256", "at+jwt")
    assert claims == CLAIMS


def test_a_token_ends_at_the_second_it_names(
    tokens: AccessTokens, token: str, clock: Clock
) -> None:
    clock.advance(seconds=3599.9)
    assert tokens.verify(token) == SESSION
    clock.advance(seconds=0.1)
    with pytest.raises(InvalidAccessToken, match="expired"):
        tokens.verify(token)


def test_the_clock_that_counts_is_the_one_handed_in(tokens: AccessTokens, clock: Clock) -> None:
    clock.now = NOW.replace(year=2001)
    long_ago = issue(tokens, clock.now + timedelta(minutes=1))
    assert tokens.verify(long_ago) == SESSION
    clock.now = NOW.replace(year=2101)
    far_ahead = issue(tokens, clock.now + timedelta(minutes=1))
    assert tokens.verify(far_ahead) == SESSION


def test_clock_skew_of_a_minute(tokens: AccessTokens, token: str, clock: Clock) -> None:
    clock.advance(seconds=-60)
    assert tokens.verify(token) == SESSION
    clock.advance(seconds=-1)
    with pytest.raises(InvalidAccessToken, match="not yet valid"):
        tokens.verify(token)


def test_key_rotation_keeps_sessions(clock: Clock) -> None:
    before = issue(AccessTokens(keys=[OLDER_KEY], clock=clock))
    rotated = AccessTokens(keys=[KEY, OLDER_KEY], clock=clock)
    assert rotated.verify(before) == SESSION
    assert AccessTokens(keys=[KEY], clock=clock).verify(issue(rotated)) == SESSION
    with pytest.raises(InvalidAccessToken, match="unknown key"):
        AccessTokens(keys=[KEY], clock=clock).verify(before)


STEPS = [[OLDER_KEY], [OLDER_KEY, KEY], [KEY, OLDER_KEY], [KEY]]


@pytest.mark.parametrize("step", list(pairwise(STEPS)), ids=str)
def test_key_rotation_across_replicas(clock: Clock, step: tuple[list[str], list[str]]) -> None:
    before, after = (AccessTokens(keys=keys, clock=clock) for keys in step)
    assert before.verify(issue(after)) == SESSION
    assert after.verify(issue(before)) == SESSION


@pytest.mark.parametrize("key", ["short", "k" * 31, "schlüssel ✓", "k" * 1000])
def test_a_key_may_have_any_length(clock: Clock, key: str) -> None:
    tokens = AccessTokens(keys=[key], clock=clock)
    assert tokens.verify(issue(tokens)) == SESSION


def test_without_a_key_there_are_no_tokens(clock: Clock) -> None:
    with pytest.raises(ValueError, match="key"):
        AccessTokens(keys=[], clock=clock)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "another portal"}, "wrong issuer"),
        ({"iss": ["kubeportal"]}, "wrong issuer"),
        ({"aud": "another portal"}, "wrong audience"),
        ({"aud": ["kubeportal", "another portal"]}, "wrong audience"),
        ({"exp": SECOND}, "expired"),
        ({"exp": str(SECOND + 60)}, "malformed"),
        ({"exp": float("inf")}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"nbf": SECOND + 61}, "not yet valid"),
        ({"iat": SECOND + 61}, "not yet valid"),
        ({"iat": "now"}, "malformed"),
        ({"sid": "not a session"}, "malformed"),
        ({"sid": 7}, "malformed"),
        ({"sid": ["018f4e9e"]}, "malformed"),
        ({"sub": 7}, "malformed"),
        *[({name: None}, "malformed") for name in CLAIMS],
    ],
)
def test_wrong_or_missing_claim_is_refused(
    tokens: AccessTokens, token: str, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(InvalidAccessToken) as refusal:
        tokens.verify(forge(token, changes))
    assert refusal.value.reason == reason


def test_a_forged_signature_is_refused(tokens: AccessTokens, token: str) -> None:
    with pytest.raises(InvalidAccessToken, match="wrong signature"):
        tokens.verify(forge(token, {}, key=OLDER_KEY))


def test_a_changed_claim_breaks_the_signature(tokens: AccessTokens, token: str) -> None:
    header, _, signature = token.split(".")
    with pytest.raises(InvalidAccessToken, match="wrong signature"):
        tokens.verify(f"{header}.{part(CLAIMS | {'sub': '1'})}.{signature}")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "none"}, "wrong algorithm"),
        ({"alg": "None"}, "wrong algorithm"),
        ({"alg": "HS512"}, "wrong algorithm"),
        ({"alg": "RS256"}, "wrong algorithm"),
        ({"alg": ["HS256"]}, "wrong algorithm"),
        ({"typ": "JWT"}, "wrong type"),
        ({"typ": None}, "wrong type"),
        ({"kid": "another key"}, "unknown key"),
        ({"kid": ["a"]}, "malformed"),
        ({"kid": "../../etc/passwd"}, "unknown key"),
        ({"crit": ["exp"]}, "malformed"),
        ({"crit": ["b64"], "b64": False}, "malformed"),
        ({"b64": True}, "unexpected header"),
        ({"jwk": {"kty": "oct", "k": "a2V5"}}, "unexpected header"),
        ({"jku": "https://evil.example.org/keys"}, "unexpected header"),
        ({"x5u": "https://evil.example.org/keys"}, "unexpected header"),
    ],
)
def test_a_token_with_a_strange_header_is_refused(
    tokens: AccessTokens, token: str, header: dict[str, object], reason: str
) -> None:
    _, payload, signature = token.split(".")
    strange = part(jwt.get_unverified_header(token) | header)
    with pytest.raises(InvalidAccessToken) as refusal:
        tokens.verify(f"{strange}.{payload}.{signature}")
    assert refusal.value.reason == reason


def test_other_kind_of_token_is_refused(tokens: AccessTokens, token: str) -> None:
    kid = jwt.get_unverified_header(token)["kid"]
    for headers in ({"kid": kid}, {"kid": kid, "typ": "refresh+jwt"}):
        with pytest.raises(InvalidAccessToken, match="wrong type"):
            tokens.verify(jwt.encode(CLAIMS, signing_key(KEY), "HS256", headers=headers))


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "undefined",
        ".",
        "..",
        "a.b.c",
        "e30.e30.e30",
        "bnVsbA.e30.",
        "W10.e30.",
        "ä.ö.ü",
        "\ud800",
        "\0",
        "A" * 1_000_000,
        f"{'W1tb' * 500}.e30.",
        f"{part({'alg': 'HS256'})}.{'W1tb' * 300}.AAAA",
    ],
)
def test_garbage_is_refused(tokens: AccessTokens, garbage: str) -> None:
    with pytest.raises(InvalidAccessToken):
        tokens.verify(garbage)


def test_a_token_may_not_be_long(tokens: AccessTokens, token: str) -> None:
    with pytest.raises(InvalidAccessToken, match="malformed"):
        tokens.verify(forge(token, {"padding": "x" * 2000}))


def test_a_refusal_holds_no_part_of_the_token(tokens: AccessTokens, token: str) -> None:
    planted = forge(token, {"sid": "planted-session-name"})
    with pytest.raises(InvalidAccessToken) as refusal:
        tokens.verify(planted)
    assert "planted" not in f"{refusal.value} {refusal.value.__cause__}"
