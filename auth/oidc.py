"""OpenID Connect: requests to a provider, its discovery document and keys, its ID tokens.

Authlib and joserfc do the protocol and the cryptography. What the provider gets wrong is a
ProviderUnavailable, what is wrong with the user's credential is a CredentialRefused.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import IDToken
from joserfc import jws
from joserfc.errors import ClaimError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import Key, KeySet

from auth.errors import (
    EXPIRED,
    MALFORMED,
    OTHER_APPLICATION,
    CredentialRefused,
    ProviderUnavailable,
)

Clock = Callable[[], datetime]

# Status codes and OAuth errors (RFC 6749, section 5.2) that blame the credential.
REFUSAL_STATUSES = frozenset({400, 401, 403, 422})
REFUSAL_ERRORS = frozenset({"invalid_grant", "invalid_request"})

UNKNOWN_KEY = "The credential is signed with an unknown key."


class ProviderClient:
    """HTTP requests to the provider, as the application `client_id`.

    timeout: seconds to wait for a connection, and for each part of a response.
    """

    def __init__(self, *, client_id: str, client_secret: str, timeout: float) -> None:
        self._client = AsyncOAuth2Client(client_id, client_secret, timeout=timeout)
        # It logs the URL of each request, and the one of tokeninfo contains an access token.
        logging.getLogger("httpx2").setLevel(logging.WARNING)

    async def close(self) -> None:
        await self._client.aclose()

    async def get_json(
        self,
        url: str,
        parameters: Mapping[str, str] | None = None,
        *,
        bearer: str | None = None,
        refusal: str | None = None,
    ) -> dict[str, Any]:
        """The JSON object at a URL, to which the parameters are added.

        Raises ProviderUnavailable, and CredentialRefused with the message `refusal`, if there is
        one, when the provider refuses the credential.
        """
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        with _translate_errors():
            target = httpx2.URL(url).copy_merge_params(parameters or {})
            response = await self._client.request(
                "GET", target, headers=headers, withhold_token=True
            )
            if refusal and response.status_code in REFUSAL_STATUSES:
                raise CredentialRefused(refusal)
            if response.status_code != httpx2.codes.OK:
                raise ProviderUnavailable(f"The provider answered {response.status_code}.")
            return _json_object(response.content)

    async def exchange_code(
        self, url: str, *, auth_method: str, **parameters: str | None
    ) -> Mapping[str, Any]:
        """The token endpoint's response to an authorization code.

        Raises CredentialRefused, ProviderUnavailable.
        """
        with _translate_errors():
            response: Mapping[str, Any] = await self._client.fetch_token(
                url,
                grant_type="authorization_code",
                auth=self._client.client_auth(auth_method),
                **parameters,
            )
            return response


def _json_object(content: bytes) -> dict[str, Any]:
    """Raises ValueError, RecursionError."""
    value = json.loads(content)
    if not isinstance(value, dict):
        raise ValueError("This is not a JSON object.")
    return value


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except OAuthError as error:
        if error.error in REFUSAL_ERRORS:
            raise CredentialRefused("The provider refuses the authorization code.") from None
        raise ProviderUnavailable("The provider refuses this application.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ProviderUnavailable(
            f"No answer from the provider: {type(error).__name__}."
        ) from error
    # Authlib and the JSON parser raise these for malformed responses.
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ProviderUnavailable("The provider's answer is malformed.") from error


# Signatures with a public key only: a shared secret would let the application sign as the provider.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
)
CACHE_LIFETIME = timedelta(hours=1)
KEY_REFRESH_INTERVAL = timedelta(minutes=1)


class Provider:
    """The discovery document and the keys of a provider.

    Both are fetched when they are first needed, and again every hour. A token that names an
    unknown key has the keys fetched at once, but at most once a minute, as anyone can send such
    tokens. Every method raises ProviderUnavailable.
    """

    def __init__(self, *, discovery_url: str, client: ProviderClient, clock: Clock) -> None:
        self._discovery_url = discovery_url
        self._client = client
        self._clock = clock
        self._document = _Cached(self._fetch_document, clock)
        self._keys = _Cached(self._fetch_keys, clock)
        self._next_refresh: datetime | None = None

    async def issuer(self) -> str:
        return _required_text(await self._document.get(), "issuer")

    async def endpoint(self, name: str) -> str:
        """A URL of the document: `https`, unless the document itself came over `http`."""
        url = _required_text(await self._document.get(), name)
        is_secure = self._discovery_url.startswith("https://")
        if not url.startswith("https://" if is_secure else ("https://", "http://")):
            raise ProviderUnavailable(f"The discovery document's {name} is not a secure URL.")
        return url

    async def auth_method(self) -> str:
        """How the application sends its secret to the token endpoint."""
        methods = await self._list("token_endpoint_auth_methods_supported")
        basic = methods is None or "client_secret_basic" in methods
        return "client_secret_basic" if basic else "client_secret_post"

    async def algorithms(self) -> frozenset[str]:
        """The signature algorithms of the provider that are accepted; never empty."""
        supported = await self._list("id_token_signing_alg_values_supported")
        algorithms = ALGORITHMS.intersection(["RS256"] if supported is None else supported)
        if not algorithms:
            raise ProviderUnavailable("The provider signs with no algorithm that is accepted.")
        return algorithms

    async def key(self, header: Mapping[str, Any]) -> Key:
        """The key that the header of a token names. Raises CredentialRefused too."""
        try:
            return _find_key(await self._keys.get(), header)
        except InvalidKeyIdError:
            if self._next_refresh and self._clock() < self._next_refresh:
                raise CredentialRefused(UNKNOWN_KEY) from None
        self._next_refresh = self._clock() + KEY_REFRESH_INTERVAL
        try:
            return _find_key(await self._keys.get(refresh=True), header)
        except InvalidKeyIdError:
            raise CredentialRefused(UNKNOWN_KEY) from None

    async def _list(self, name: str) -> list[str] | None:
        value = (await self._document.get()).get(name)
        return [str(item) for item in value] if isinstance(value, list) else None

    async def _fetch_document(self) -> dict[str, Any]:
        return await self._client.get_json(self._discovery_url)

    async def _fetch_keys(self) -> KeySet:
        document = await self._client.get_json(await self.endpoint("jwks_uri"))
        try:
            return KeySet.import_key_set({"keys": document["keys"]})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderUnavailable("The provider's keys are malformed.") from error


Value = TypeVar("Value")


class _Cached(Generic[Value]):
    """A fetched value with a lifetime; concurrent calls share one fetch."""

    def __init__(self, fetch: Callable[[], Awaitable[Value]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._entry: tuple[Value, datetime] | None = None

    async def get(self, *, refresh: bool = False) -> Value:
        async with self._lock:
            if refresh or self._entry is None or self._clock() >= self._entry[1]:
                self._entry = await self._fetch(), self._clock() + CACHE_LIFETIME
            return self._entry[0]


def _find_key(keys: KeySet, header: Mapping[str, Any]) -> Key:
    return keys.get_by_kid(header.get("kid"), {"alg": header["alg"], "use": "sig"})


def _required_text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise ProviderUnavailable(f"The discovery document has no {name}.")
    return value


# RFC 7515, section 4.1: keys inside the token, and extensions that a verifier must understand.
REFUSED_HEADERS = frozenset({"crit", "b64", "jwk", "jku", "x5c", "x5u"})
CLOCK_SKEW_SECONDS = 60


class IdTokens:
    """Verifies ID tokens that `provider` has issued to the application `client_id`."""

    def __init__(self, *, client_id: str, provider: Provider, clock: Clock) -> None:
        self._client_id = client_id
        self._provider = provider
        self._clock = clock

    async def verify(
        self, id_token: str, *, nonce: str | None = None, access_token: str | None = None
    ) -> Mapping[str, Any]:
        """The claims of a valid token.

        nonce: the one of the authorization request; not compared when None.
        access_token: the one that was issued with the ID token, which may contain its hash.
        Raises CredentialRefused, ProviderUnavailable.
        """
        signature = _parse(id_token)
        claims = await self._verify_signature(signature)
        issuer = await self._provider.issuer()
        token = IDToken(
            claims,
            signature.headers(),
            options={
                # Google documents its issuer with and without the scheme.
                "iss": {"essential": True, "values": [issuer, issuer.removeprefix("https://")]},
                "aud": {"essential": True, "value": self._client_id},
            },
            params={"client_id": self._client_id, "access_token": access_token},
        )
        self._validate(token)
        if nonce is not None and claims.get("nonce") != nonce:
            raise CredentialRefused("The credential belongs to another sign-in.")
        return claims

    async def _verify_signature(self, signature: jws.CompactSignature) -> dict[str, Any]:
        algorithms = await self._provider.algorithms()
        header = signature.headers()
        if header["alg"] not in algorithms:
            raise CredentialRefused("The credential's signature algorithm is not accepted.")
        key = await self._provider.key(header)
        # Providers add headers of their own, which the strict check would reject.
        registry = jws.JWSRegistry(algorithms=list(algorithms), strict_check_header=False)
        try:
            if not jws.validate_compact(signature, key, registry=registry):
                raise CredentialRefused("The credential's signature is wrong.")
            return _json_object(signature.payload)
        except (JoseError, ValueError, TypeError, RecursionError):
            raise CredentialRefused(MALFORMED) from None

    def _validate(self, token: IDToken) -> None:
        try:
            token.validate(now=int(self._clock().timestamp()), leeway=CLOCK_SKEW_SECONDS)
        except ExpiredTokenError:
            raise CredentialRefused(EXPIRED) from None
        except ClaimError as error:
            raise CredentialRefused(_claim_error(error.claim)) from None
        except (JoseError, ValueError, TypeError):
            raise CredentialRefused(MALFORMED) from None


def _parse(token: str) -> jws.CompactSignature:
    try:
        signature = jws.extract_compact(token.encode())
        header = signature.headers()
        texts = [header["alg"], header.get("kid", "")]
    except (JoseError, ValueError, TypeError):
        raise CredentialRefused(MALFORMED) from None
    if not all(isinstance(text, str) for text in texts):
        raise CredentialRefused(MALFORMED)
    if REFUSED_HEADERS & header.keys():
        raise CredentialRefused("The credential brings its own key or extension.")
    return signature


def _claim_error(claim: str) -> str:
    if claim in ("aud", "azp"):
        return OTHER_APPLICATION
    if claim == "iss":
        return "The credential was issued by another provider."
    if claim in ("iat", "nbf"):
        return "The credential is not valid yet."
    return MALFORMED
