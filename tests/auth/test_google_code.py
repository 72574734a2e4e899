"""Sign-in by authorization code, with PKCE."""

import base64
import hashlib

import pytest

from auth.errors import CredentialRefused, ProviderUnavailable
from auth.google import GoogleSignIn
from tests.auth.conftest import REDIRECT_URI, ScriptedProvider

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


@pytest.fixture
def code(provider: ScriptedProvider) -> str:
    tokens = {"id_token": provider.id_token(nonce="n-1"), "access_token": "a", "expires_in": 3600}
    provider.give_code("4/code", code_challenge=CHALLENGE, answer=tokens)
    return "4/code"


async def test_a_code_with_its_verifier_says_who_signed_in(google: GoogleSignIn, code: str) -> None:
    identity = await google.by_code(
        code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER, nonce="n-1"
    )
    assert (identity.subject, identity.email) == ("1234567890", "alice@example.org")


@pytest.mark.parametrize("verifier", [None, "", "x" * 43, VERIFIER.lower()])
async def test_code_without_verifier_is_refused(
    google: GoogleSignIn, code: str, verifier: str | None
) -> None:
    with pytest.raises(CredentialRefused, match="refuses the authorization code"):
        await google.by_code(code, redirect_uri=REDIRECT_URI, code_verifier=verifier)


async def test_a_code_is_good_for_one_sign_in(google: GoogleSignIn, code: str) -> None:
    await google.by_code(code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)
    with pytest.raises(CredentialRefused):
        await google.by_code(code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)


async def test_a_code_for_another_address_is_refused(google: GoogleSignIn, code: str) -> None:
    with pytest.raises(CredentialRefused):
        await google.by_code(code, redirect_uri="https://evil.example.org/", code_verifier=VERIFIER)


async def test_a_code_of_another_sign_in_is_refused(google: GoogleSignIn, code: str) -> None:
    with pytest.raises(CredentialRefused, match="another sign-in"):
        await google.by_code(code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER, nonce="n-2")


async def test_id_token_of_a_code_is_verified(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    tokens = {"id_token": provider.id_token(aud="another"), "access_token": "a"}
    provider.give_code("4/code", code_challenge=CHALLENGE, answer=tokens)
    with pytest.raises(CredentialRefused, match="another application"):
        await google.by_code("4/code", redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)


async def test_an_access_token_that_was_swapped_is_noticed(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    tokens = {"id_token": provider.id_token(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "access_token": "a"}
    provider.give_code("4/code", code_challenge=CHALLENGE, answer=tokens)
    with pytest.raises(CredentialRefused, match="malformed"):
        await google.by_code("4/code", redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)


async def test_the_secret_goes_where_the_provider_wants_it(
    google: GoogleSignIn, provider: ScriptedProvider, code: str
) -> None:
    methods = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    provider.answer("discovery", provider.document | methods)
    with pytest.raises(ProviderUnavailable, match="refuses this application"):
        await google.by_code(code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": "invalid_client"}),
        (400, {"error": "unauthorized_client"}),
        (400, "<html>"),
        (200, "<html>"),
        (200, []),
        (200, {}),
        (200, {"id_token": 7}),
        (200, {"id_token": "x.y.z", "expires_in": "soon"}),
        (200, {"id_token": "x.y.z", "expires_in": [1]}),
        (200, '{"id_token": "x.y.z", "expires_in": 1e999}'),
        (500, {"error": "invalid_grant"}),
        (503, "<html>"),
    ],
)
async def test_failing_token_endpoint_is_unavailability(
    google: GoogleSignIn, provider: ScriptedProvider, status: int, body: object
) -> None:
    provider.answer("token", body, status=status)
    with pytest.raises(ProviderUnavailable):
        await google.by_code("4/code", redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)


@pytest.mark.parametrize("garbage", ["", "a b", "cödé", "\ud800", "\0", "x" * 8193])
async def test_garbage_is_refused_without_asking_anyone(
    google: GoogleSignIn, provider: ScriptedProvider, garbage: str
) -> None:
    for code, address, verifier in (
        (garbage, REDIRECT_URI, VERIFIER),
        ("4/code", garbage, VERIFIER),
        ("4/code", REDIRECT_URI, garbage or "\0"),
    ):
        with pytest.raises(CredentialRefused, match="malformed"):
            await google.by_code(code, redirect_uri=address, code_verifier=verifier)
    assert provider.requests == []
