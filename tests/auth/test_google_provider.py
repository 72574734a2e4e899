"""Sign-in with a provider that somebody else wrote."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from auth.errors import CredentialRefused
from auth.google import GoogleIdentity, GoogleSignIn
from tests.openid import OpenIdProvider

CAROL = GoogleIdentity(
    subject="carol-1",
    email="carol@example.org",
    email_verified=True,
    given_name="Carol",
    family_name="Cäsar",
)


@pytest.fixture
async def sign_in(openid_provider: OpenIdProvider) -> AsyncIterator[GoogleSignIn]:
    openid_provider.set_user(
        CAROL.subject,
        email=CAROL.email,
        email_verified=True,
        given_name=CAROL.given_name,
        family_name=CAROL.family_name,
    )
    google = GoogleSignIn(
        client_id=openid_provider.client_id,
        client_secret=openid_provider.client_secret,
        discovery_url=openid_provider.discovery_url,
        tokeninfo_url=openid_provider.tokeninfo_url,
        clock=lambda: datetime.now(UTC),
    )
    yield google
    await google.close()


async def test_all_three_ways_lead_to_the_same_person(
    sign_in: GoogleSignIn, openid_provider: OpenIdProvider
) -> None:
    tokens = openid_provider.tokens(CAROL.subject, nonce="n-1")
    code = openid_provider.code(CAROL.subject, nonce="n-2")
    assert await sign_in.by_id_token(tokens.id_token, nonce="n-1") == CAROL
    assert await sign_in.by_access_token(tokens.access_token) == CAROL
    assert (
        await sign_in.by_code(
            code, redirect_uri=openid_provider.redirect_uri, code_verifier=None, nonce="n-2"
        )
        == CAROL
    )


async def test_tokens_of_another_application_are_refused(
    sign_in: GoogleSignIn, openid_provider: OpenIdProvider
) -> None:
    tokens = openid_provider.tokens(CAROL.subject, client_id="another-application")
    code = openid_provider.code(CAROL.subject, client_id="another-application")
    with pytest.raises(CredentialRefused):
        await sign_in.by_id_token(tokens.id_token)
    with pytest.raises(CredentialRefused):
        await sign_in.by_access_token(tokens.access_token)
    with pytest.raises(CredentialRefused):
        await sign_in.by_code(code, redirect_uri=openid_provider.redirect_uri, code_verifier=None)
