"""Sign-in with Google, or with any other OpenID Connect provider."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2

from auth.oidc import (
    EXPIRED,
    MALFORMED,
    OTHER_APPLICATION,
    CredentialRefused,
    IdTokens,
    Outbound,
    Provider,
    ProviderUnavailable,
)

MAXIMUM_CREDENTIAL_LENGTH = 8192
MAXIMUM_SUBJECT_LENGTH = 255
NOT_KNOWN = "The credential has expired, or the provider does not know it."


class GoogleSignInRefused(Exception):
    """The credential is no good; the message says why and is safe for the user."""


class GoogleSignInUnavailable(Exception):
    """The provider is slow, down or misbehaving; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class GoogleIdentity:
    """Who the provider says has signed in.

    subject: the provider's lasting identifier of the account.
    email_verified: the provider has verified that `email` belongs to the account.
    given_name, family_name: empty where the provider tells none.
    """

    subject: str
    email: str | None
    email_verified: bool
    given_name: str
    family_name: str


class GoogleSignIn:
    """Turns a credential of the provider into an identity.

    Every way in raises GoogleSignInRefused and GoogleSignInUnavailable and nothing else.

    tokeninfo_url: where the audience of an access token is looked up.
    timeout: seconds that one sign-in takes at most, whatever it has to fetch.
    clock: the present time, with its time zone.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        discovery_url: str,
        tokeninfo_url: str,
        clock: Callable[[], datetime],
        timeout: float = 5.0,
    ) -> None:
        self._client_id = client_id
        self._tokeninfo_url = httpx2.URL(tokeninfo_url)
        self._timeout = timeout
        self._clock = clock
        self._outbound = Outbound(client_id=client_id, client_secret=client_secret, timeout=timeout)
        self._provider = Provider(discovery_url=discovery_url, outbound=self._outbound, clock=clock)
        self._id_tokens = IdTokens(client_id=client_id, provider=self._provider, clock=clock)

    async def close(self) -> None:
        """Ends the connections to the provider."""
        await self._outbound.close()

    async def by_id_token(self, id_token: str, nonce: str | None = None) -> GoogleIdentity:
        """The identity that an ID token proves."""
        async with self._attempt(id_token):
            return _identity(await self._id_tokens.claims(id_token, nonce=nonce))

    async def by_access_token(self, access_token: str) -> GoogleIdentity:
        """The identity behind an access token that was issued to this application."""
        async with self._attempt(access_token):
            owner = await self._owner(access_token)
            profile = await self._outbound.read(
                await self._provider.endpoint("userinfo_endpoint"),
                bearer=access_token,
                refusal=NOT_KNOWN,
            )
            identity = _identity(profile)
            if owner not in (None, identity.subject):
                raise CredentialRefused("The credential belongs to another account.")
            return identity

    async def by_code(
        self, code: str, *, redirect_uri: str, code_verifier: str | None, nonce: str | None = None
    ) -> GoogleIdentity:
        """The identity behind an authorization code.

        redirect_uri: the one that the code was requested with.
        code_verifier: the secret whose challenge the code was requested with (PKCE).
        """
        async with self._attempt(code, redirect_uri, *([code_verifier] if code_verifier else [])):
            answer = await self._outbound.exchange(
                await self._provider.endpoint("token_endpoint"),
                auth_method=await self._provider.auth_method(),
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=code_verifier,
            )
            id_token = _text(answer, "id_token")
            if not id_token:
                raise ProviderUnavailable("The token endpoint's answer has no ID token.")
            claims = await self._id_tokens.claims(
                id_token, nonce=nonce, access_token=_text(answer, "access_token")
            )
            return _identity(claims)

    @asynccontextmanager
    async def _attempt(self, *credentials: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                if not all(map(_plausible, credentials)):
                    raise CredentialRefused(MALFORMED)
                yield
        except CredentialRefused as error:
            raise GoogleSignInRefused(str(error)) from None
        except ProviderUnavailable as error:
            raise GoogleSignInUnavailable(str(error)) from error
        except TimeoutError as error:
            raise GoogleSignInUnavailable(
                f"The provider took longer than {self._timeout:g} s."
            ) from error

    async def _owner(self, access_token: str) -> str | None:
        url = self._tokeninfo_url.copy_merge_params({"access_token": access_token})
        facts = await self._outbound.read(str(url), refusal=NOT_KNOWN)
        parties = [facts[name] for name in ("aud", "azp", "client_id") if name in facts]
        if not parties or any(party != self._client_id for party in parties):
            raise CredentialRefused(OTHER_APPLICATION)
        if not _lasts(facts, self._clock().timestamp()):
            raise CredentialRefused(EXPIRED)
        return facts.get("sub")


def _plausible(credential: str) -> bool:
    return (
        0 < len(credential) <= MAXIMUM_CREDENTIAL_LENGTH
        and credential.isascii()
        and credential.isprintable()
        and " " not in credential
    )


def _lasts(facts: Mapping[str, Any], now: float) -> bool:
    try:
        return float(facts.get("expires_in", 1)) > 0 and float(facts.get("exp", now + 1)) > now
    except (TypeError, ValueError, OverflowError):
        raise ProviderUnavailable("The provider's answer makes no sense.") from None


def _identity(claims: Mapping[str, Any]) -> GoogleIdentity:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAXIMUM_SUBJECT_LENGTH:
        raise ProviderUnavailable("The provider does not say whose credential it is.")
    return GoogleIdentity(
        subject=subject,
        email=_text(claims, "email") or None,
        email_verified=str(claims.get("email_verified")).lower() == "true",
        given_name=_text(claims, "given_name"),
        family_name=_text(claims, "family_name"),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
