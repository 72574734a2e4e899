"""Sign-in by ID token."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from auth.errors import CredentialRefused, ProviderUnavailable
from auth.google import GoogleIdentity, GoogleSignIn
from tests.auth.conftest import CLIENT_ID, NOW, Clock, ScriptedProvider

SECOND = int(NOW.timestamp())
OTHER_APPLICATION = "another application"


async def test_a_good_id_token_says_who_signed_in(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    assert await google.by_id_token(provider.id_token()) == GoogleIdentity(
        subject="1234567890",
        email="alice@example.org",
        email_verified=True,
        given_name="Alice",
        family_name="Anders",
    )


@pytest.mark.parametrize(
    ("claim", "verified"),
    [(True, True), ("true", True), (False, False), ("false", False), (None, False), (1, False)],
)
async def test_email_verified(
    google: GoogleSignIn, provider: ScriptedProvider, claim: object, verified: bool
) -> None:
    identity = await google.by_id_token(provider.id_token(email_verified=claim))
    assert identity.email_verified is verified


async def test_names_and_address_may_be_missing(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    token = provider.id_token(email=None, given_name=None, family_name=7)
    identity = await google.by_id_token(token)
    assert (identity.email, identity.given_name, identity.family_name) == (None, "", "")


async def test_issuer_without_scheme(google: GoogleSignIn, provider: ScriptedProvider) -> None:
    provider.answer("discovery", provider.document | {"issuer": "https://accounts.google.com"})
    for issuer in ("https://accounts.google.com", "accounts.google.com"):
        assert await google.by_id_token(provider.id_token(iss=issuer))
    with pytest.raises(CredentialRefused, match="another provider"):
        await google.by_id_token(provider.id_token(iss="http://accounts.google.com"))


@pytest.mark.parametrize(
    ("claims", "complaint"),
    [
        ({"aud": "another.apps.example.org"}, OTHER_APPLICATION),
        ({"aud": ["another.apps.example.org"]}, OTHER_APPLICATION),
        ({"aud": []}, OTHER_APPLICATION),
        ({"aud": [CLIENT_ID, "another.apps.example.org"]}, OTHER_APPLICATION),
        ({"azp": "another.apps.example.org"}, OTHER_APPLICATION),
        ({"aud": "another.apps.example.org", "azp": CLIENT_ID}, OTHER_APPLICATION),
        ({"iss": "https://accounts.example.org"}, "another provider"),
        ({"iss": ["https://accounts.example.org"]}, "another provider"),
        ({"exp": SECOND - 61}, "expired"),
        ({"exp": "never"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"iat": SECOND + 61}, "not valid yet"),
        ({"nbf": SECOND + 61}, "not valid yet"),
        ({"sub": 1234567890}, "malformed"),
    ],
)
async def test_an_id_token_with_a_wrong_claim_is_refused(
    google: GoogleSignIn, provider: ScriptedProvider, claims: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(CredentialRefused, match=complaint):
        await google.by_id_token(provider.id_token(**claims))


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "sub"])
async def test_missing_claim_is_refused(
    google: GoogleSignIn, provider: ScriptedProvider, claim: str
) -> None:
    with pytest.raises(CredentialRefused):
        await google.by_id_token(provider.id_token(without=claim))


async def test_several_audiences_need_the_authorized_party(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    audiences = [CLIENT_ID, "another.apps.example.org"]
    assert await google.by_id_token(provider.id_token(aud=audiences, azp=CLIENT_ID))


async def test_clocks_may_differ_by_a_minute(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    assert await google.by_id_token(provider.id_token(iat=SECOND + 59, exp=SECOND - 59))


async def test_other_nonce_is_refused(google: GoogleSignIn, provider: ScriptedProvider) -> None:
    assert await google.by_id_token(provider.id_token(nonce="n-1"), nonce="n-1")
    for other in ({"nonce": "n-2"}, {}, {"nonce": ["n-1"]}):
        with pytest.raises(CredentialRefused, match="another sign-in"):
            await google.by_id_token(provider.id_token(**other), nonce="n-1")
    with pytest.raises(CredentialRefused, match="another sign-in"):
        await google.by_id_token(provider.id_token(nonce="n-1"), nonce="")


async def test_a_forged_signature_is_refused(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    forger = RSAKey.generate_key(2048, {"kid": "first"})
    with pytest.raises(CredentialRefused, match="signature is wrong"):
        await google.by_id_token(provider.id_token(key=forger))


async def test_a_changed_claim_breaks_the_signature(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    header, _, signature = provider.id_token().split(".")
    payload = encoded(provider.claims | {"email": "root@example.org"})
    with pytest.raises(CredentialRefused, match="signature is wrong"):
        await google.by_id_token(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE"])
async def test_an_unsigned_token_is_refused(
    google: GoogleSignIn, provider: ScriptedProvider, algorithm: str
) -> None:
    header = encoded({"alg": algorithm, "kid": "first"})
    with pytest.raises(CredentialRefused, match="algorithm"):
        await google.by_id_token(f"{header}.{encoded(provider.claims)}.")


async def test_a_public_key_is_no_shared_secret(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    signed = f"{encoded({'alg': 'HS256', 'kid': 'first'})}.{encoded(provider.claims)}"
    digest = hmac.digest(provider.key.as_pem(private=False), signed.encode(), hashlib.sha256)
    with pytest.raises(CredentialRefused, match="algorithm"):
        await google.by_id_token(f"{signed}.{base64url(digest)}")


@pytest.mark.parametrize("kind", ["jwk", "jku", "x5u", "x5c", "crit", "b64"])
async def test_embedded_key_or_extension_is_refused(
    google: GoogleSignIn, provider: ScriptedProvider, kind: str
) -> None:
    forger = ECKey.generate_key("P-256")
    values: Mapping[str, object] = {
        "jwk": forger.as_dict(private=False),
        "jku": f"{provider.url}/jwks",
        "x5u": f"{provider.url}/jwks",
        "x5c": ["MIIB"],
        "crit": ["exp"],
        "b64": True,
    }
    header = encoded({"alg": "RS256", "kid": "first", kind: values[kind]})
    with pytest.raises(CredentialRefused, match="own key or extension"):
        await google.by_id_token(f"{header}.{encoded(provider.claims)}.AAAA")
    assert provider.requests == []


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "x",
        ".",
        "..",
        "a.b.c",
        "a.b.c.d.e",
        "ä.ö.ü",
        "\ud800",
        "\0",
        "A" * 1_000_000,
        "e30.e30.",
        "bnVsbA.e30.",
        "ImFsZyI.e30.",
        "WyJhbGciXQ.e30.AA",
        "eyJhbGciOjF9.e30.AA",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6W119.e30.AA",
        "W1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tb.e30.AA",
    ],
)
async def test_garbage_is_refused(google: GoogleSignIn, garbage: str) -> None:
    with pytest.raises(CredentialRefused):
        await google.by_id_token(garbage)


async def test_a_token_that_holds_no_claims_is_refused(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    header = {"alg": "RS256", "kid": "first"}
    for token in (
        f"{base64url(b'[' * 5000)}.e30.AA",
        jws.serialize_compact(header, b"[" * 5000, provider.key),
        jws.serialize_compact(header, b"no JSON", provider.key),
        jws.serialize_compact(header, b"[]", provider.key),
    ):
        with pytest.raises(CredentialRefused, match="malformed"):
            await google.by_id_token(token)


async def test_after_a_rotation_the_keys_are_fetched_again(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    assert await google.by_id_token(provider.id_token())
    second = RSAKey.generate_key(2048, {"kid": "second"})
    provider.publish(provider.key, second)
    token = provider.id_token(key=second, header={"kid": "second"})
    assert await google.by_id_token(token)
    assert await google.by_id_token(provider.id_token())
    assert provider.requests.count("jwks") == 2


async def test_unknown_keys_are_fetched_once_a_minute(
    google: GoogleSignIn, provider: ScriptedProvider, clock: Clock
) -> None:
    for _ in range(5):
        with pytest.raises(CredentialRefused, match="unknown key"):
            await google.by_id_token(provider.id_token(header={"kid": "unheard of"}))
    assert provider.requests.count("jwks") == 2
    clock.advance(minutes=1)
    with pytest.raises(CredentialRefused, match="unknown key"):
        await google.by_id_token(provider.id_token(header={"kid": "unheard of"}))
    assert provider.requests.count("jwks") == 3


async def test_failed_fetch_keeps_known_keys(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    assert await google.by_id_token(provider.id_token())
    provider.answer("jwks", "out of order", status=503)
    with pytest.raises(ProviderUnavailable):
        await google.by_id_token(provider.id_token(header={"kid": "unheard of"}))
    assert await google.by_id_token(provider.id_token())


async def test_keys_and_document_are_fetched_once_an_hour(
    google: GoogleSignIn, provider: ScriptedProvider, clock: Clock
) -> None:
    for _ in range(3):
        await google.by_id_token(provider.id_token())
    assert sorted(provider.requests) == ["discovery", "jwks"]
    clock.advance(hours=1)
    with pytest.raises(CredentialRefused, match="expired"):
        await google.by_id_token(provider.id_token(exp=SECOND))
    assert sorted(provider.requests) == ["discovery"] * 2 + ["jwks"] * 2


async def test_withdrawn_key_ends_after_an_hour(
    google: GoogleSignIn, provider: ScriptedProvider, clock: Clock
) -> None:
    assert await google.by_id_token(provider.id_token())
    provider.publish(RSAKey.generate_key(2048, {"kid": "second"}))
    clock.advance(hours=1)
    with pytest.raises(CredentialRefused, match="unknown key"):
        await google.by_id_token(provider.id_token(exp=SECOND + 7200))


async def test_unlisted_algorithm_is_refused(
    google: GoogleSignIn, provider: ScriptedProvider
) -> None:
    listed = {"id_token_signing_alg_values_supported": ["ES256"]}
    provider.answer("discovery", provider.document | listed)
    with pytest.raises(CredentialRefused, match="algorithm"):
        await google.by_id_token(provider.id_token())


@pytest.mark.parametrize("listed", [[], ["none"], ["HS256", "none"]])
async def test_provider_without_accepted_algorithm(
    google: GoogleSignIn, provider: ScriptedProvider, listed: list[str]
) -> None:
    document = provider.document | {"id_token_signing_alg_values_supported": listed}
    provider.answer("discovery", document)
    with pytest.raises(ProviderUnavailable, match="algorithm"):
        await google.by_id_token(provider.id_token())


def encoded(value: object) -> str:
    return base64url(json.dumps(value).encode())


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
