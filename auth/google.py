"""Sign-in with Google, or with any other OpenID Connect provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auth.errors import (
    EXPIRED,
    MALFORMED,
    OTHER_APPLICATION,
    CredentialRefused,
    ProviderUnavailable,
)

MAXIMUM_CREDENTIAL_LENGTH = 8192
MAXIMUM_SUBJECT_LENGTH = 255
UNKNOWN = "The credential has expired, or the provider does not know it."


@dataclass(frozen=True, slots=True)
class GoogleIdentity:
    """An account at the provider.

    subject: the account's permanent identifier.
    email_verified: the provider has verified that `email` belongs to the account.
    given_name, family_name: empty where the provider returns none.
    """

    subject: str
    email: str | None
    email_verified: bool
    given_name: str
    family_name: str


class GoogleSignIn:
    """Verifies a credential of the provider and returns the identity that it proves.

    Every `by_…` method raises CredentialRefused and ProviderUnavailable, nothing else.

    tokeninfo_url: returns the audience of an access token.
    timeout: seconds for one sign-in, with all its requests.
    clock: the current time, with its time zone.
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
        from auth.oidc import IdTokens, Provider, ProviderClient  # here, as Authlib takes 4 MiB

        self._client_id = client_id
        self._tokeninfo_url = tokeninfo_url
        self._timeout = timeout
        self._clock = clock
        self._client = ProviderClient(
            client_id=client_id, client_secret=client_secret, timeout=timeout
        )
        self._provider = Provider(discovery_url=discovery_url, client=self._client, clock=clock)
        self._id_tokens = IdTokens(client_id=client_id, provider=self._provider, clock=clock)

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self._client.close()

    async def by_id_token(self, id_token: str, nonce: str | None = None) -> GoogleIdentity:
        """The identity in an ID token."""
        async with self._attempt(id_token):
            return _identity(await self._id_tokens.verify(id_token, nonce=nonce))

    async def by_access_token(self, access_token: str) -> GoogleIdentity:
        """The identity behind an access token that was issued to this application."""
        async with self._attempt(access_token):
            subject = await self._check_access_token(access_token)
            profile = await self._client.get_json(
                await self._provider.endpoint("userinfo_endpoint"),
                bearer=access_token,
                refusal=UNKNOWN,
            )
            identity = _identity(profile)
            if subject not in (None, identity.subject):
                raise CredentialRefused("The credential belongs to another account.")
            return identity

    async def by_code(
        self, code: str, *, redirect_uri: str, code_verifier: str | None, nonce: str | None = None
    ) -> GoogleIdentity:
        """The identity behind an authorization code.

        redirect_uri: the one of the authorization request.
        code_verifier: the secret whose challenge was in the authorization request (PKCE).
        """
        async with self._attempt(code, redirect_uri, *([code_verifier] if code_verifier else [])):
            response = await self._client.exchange_code(
                await self._provider.endpoint("token_endpoint"),
                auth_method=await self._provider.auth_method(),
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=code_verifier,
            )
            id_token = _text(response, "id_token")
            if not id_token:
                raise ProviderUnavailable("The token endpoint's answer has no ID token.")
            claims = await self._id_tokens.verify(
                id_token, nonce=nonce, access_token=_text(response, "access_token")
            )
            return _identity(claims)

    @asynccontextmanager
    async def _attempt(self, *credentials: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                if not all(map(_is_plausible, credentials)):
                    raise CredentialRefused(MALFORMED)
                yield
        except TimeoutError as error:
            raise ProviderUnavailable(
                f"The provider took longer than {self._timeout:g} s."
            ) from error

    async def _check_access_token(self, access_token: str) -> str | None:
        """The subject of a token that was issued to this application and has not expired.

        An access token names no audience itself. Without this check, every application to which a
        user signs in with Google could sign in to the portal as that user.
        """
        parameters = {"access_token": access_token}
        info = await self._client.get_json(self._tokeninfo_url, parameters, refusal=UNKNOWN)
        # Providers name the application by one or several of these.
        audiences = [info[name] for name in ("aud", "azp", "client_id") if name in info]
        if not audiences or any(audience != self._client_id for audience in audiences):
            raise CredentialRefused(OTHER_APPLICATION)
        if _has_expired(info, self._clock().timestamp()):
            raise CredentialRefused(EXPIRED)
        return info.get("sub")


def _is_plausible(credential: str) -> bool:
    return (
        0 < len(credential) <= MAXIMUM_CREDENTIAL_LENGTH
        and credential.isascii()
        and credential.isprintable()
        and " " not in credential
    )


def _has_expired(info: Mapping[str, Any], now: float) -> bool:
    try:
        # Not `<=`: NaN counts as expired.
        return not (float(info.get("expires_in", 1)) > 0 and float(info.get("exp", now + 1)) > now)
    except (TypeError, ValueError, OverflowError):
        raise ProviderUnavailable("The provider's answer is malformed.") from None


def _identity(claims: Mapping[str, Any]) -> GoogleIdentity:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAXIMUM_SUBJECT_LENGTH:
        raise ProviderUnavailable("The provider's answer has no usable subject.")
    return GoogleIdentity(
        subject=subject,
        email=_text(claims, "email") or None,
        # Some providers return the text "true" instead of a boolean.
        email_verified=str(claims.get("email_verified")).lower() == "true",
        given_name=_text(claims, "given_name"),
        family_name=_text(claims, "family_name"),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
