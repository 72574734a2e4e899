"""Sign-in by access token."""

from typing import Any

import pytest

from auth.errors import CredentialRefused, ProviderUnavailable
from auth.google import GoogleSignIn
from tests.auth.conftest import CLIENT_ID, NOW, ScriptedProvider

TOKEN = "ya29.planted-access-token"


async def test_access_token_identifies_the_user(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    identity = await google.by_access_token(TOKEN)
    assert (identity.subject, identity.email) == ("1234567890", "alice@example.org")
    assert provider.requests == ["tokeninfo", "discovery", "userinfo"]


@pytest.mark.parametrize(
    "facts",
    [
        {"aud": "another.apps.example.org"},
        {"azp": "another.apps.example.org"},
        {"client_id": "another.apps.example.org"},
        {"aud": CLIENT_ID, "azp": "another.apps.example.org"},
        {"aud": "another.apps.example.org", "azp": CLIENT_ID},
        {"aud": [CLIENT_ID, "another.apps.example.org"]},
        {"aud": None},
        {},
    ],
)
async def test_token_of_another_application_is_refused(
    google: GoogleSignIn, provider: ScriptedProvider, facts: dict[str, Any]
) -> None:
    provider.answer("tokeninfo", {"sub": "1234567890", "expires_in": 3599, **facts})
    with pytest.raises(CredentialRefused, match="another application"):
        await google.by_access_token(TOKEN)
    assert "userinfo" not in provider.requests


@pytest.mark.parametrize("name", ["aud", "azp", "client_id"])
async def test_one_name_for_the_application_is_enough(
    google: GoogleSignIn, provider: ScriptedProvider, name: str
) -> None:
    provider.answer("tokeninfo", {name: CLIENT_ID})
    assert await google.by_access_token(TOKEN)


@pytest.mark.parametrize(
    "lifetime", [{"expires_in": 0}, {"expires_in": "-5"}, {"exp": str(int(NOW.timestamp()))}]
)
async def test_expired_access_token_is_refused(
    google: GoogleSignIn, provider: ScriptedProvider, lifetime: dict[str, Any]
) -> None:
    provider.answer("tokeninfo", provider.tokeninfo | lifetime)
    with pytest.raises(CredentialRefused, match="expired"):
        await google.by_access_token(TOKEN)
    assert "userinfo" not in provider.requests


@pytest.mark.parametrize("endpoint", ["tokeninfo", "userinfo"])
@pytest.mark.parametrize("status", [400, 401, 403])
async def test_unknown_access_token_is_refused(
    google: GoogleSignIn, provider: ScriptedProvider, endpoint: str, status: int
) -> None:
    provider.answer(endpoint, {"error": "invalid_token"}, status=status)
    with pytest.raises(CredentialRefused, match="does not know it"):
        await google.by_access_token(TOKEN)


async def test_profile_of_another_account_is_refused(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    provider.answer("userinfo", provider.profile | {"sub": "somebody else"})
    with pytest.raises(CredentialRefused, match="another account"):
        await google.by_access_token(TOKEN)


@pytest.mark.parametrize("endpoint", ["tokeninfo", "userinfo"])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>"),
        (200, ["a list"]),
        (200, '{"aud"'),
        (200, "[" * 100_000),
        (200, "x" * 1_000_000),
        (204, ""),
        (302, ""),
        (404, {}),
        (429, {}),
        (500, {}),
        (503, "<html>"),
    ],
)
async def test_malformed_response_is_unavailability(
    google: GoogleSignIn, provider: ScriptedProvider, endpoint: str, status: int, body: object
) -> None:
    provider.answer(endpoint, body, status=status)
    with pytest.raises(ProviderUnavailable):
        await google.by_access_token(TOKEN)


@pytest.mark.parametrize("subject", [None, "", 7, "x" * 256])
async def test_profile_without_subject_is_unavailability(
    google: GoogleSignIn, provider: ScriptedProvider, subject: object
) -> None:
    provider.answer("tokeninfo", {"aud": CLIENT_ID})
    provider.answer("userinfo", provider.profile | {"sub": subject})
    with pytest.raises(ProviderUnavailable):
        await google.by_access_token(TOKEN)


@pytest.mark.parametrize("lifetime", [{"expires_in": "soon"}, {"exp": []}, {"exp": 10**400}])
async def test_malformed_lifetime_is_unavailability(
    google: GoogleSignIn, provider: ScriptedProvider, lifetime: dict[str, Any]
) -> None:
    provider.answer("tokeninfo", provider.tokeninfo | lifetime)
    with pytest.raises(ProviderUnavailable):
        await google.by_access_token(TOKEN)


@pytest.mark.parametrize(
    "garbage", ["", " ", "a b", "a\r\nX-Evil: 1", "tökén", "\ud800", "\0", "x" * 8193]
)
async def test_garbage_is_refused_without_asking_anyone(
    google: GoogleSignIn, provider: ScriptedProvider, garbage: str
) -> None:
    with pytest.raises(CredentialRefused, match="malformed"):
        await google.by_access_token(garbage)
    assert provider.requests == []
