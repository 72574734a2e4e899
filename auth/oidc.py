"""Requests to a sign-in provider: bounded answers, faults told apart, no secrets in the log."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
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

REFUSAL_STATUSES = frozenset({400, 401, 403, 422})
REFUSAL_ERRORS = frozenset({"invalid_grant", "invalid_request"})
MAXIMUM_RESPONSE_BYTES = 256 * 1024


class CredentialRefused(Exception):
    """The provider, or a check of ours, says no; the message is safe for the user."""


class ProviderUnavailable(Exception):
    """The provider cannot be reached or does not keep to its protocol."""


class Outbound:
    """Speaks to the provider as the application `client_id`.

    timeout: seconds to wait for a connection, and for each part of an answer.
    """

    def __init__(self, *, client_id: str, client_secret: str, timeout: float) -> None:
        self._client = AsyncOAuth2Client(
            client_id, client_secret, timeout=timeout, event_hooks={"response": [_limit_size]}
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def read(
        self, url: str, *, bearer: str | None = None, refusal: str | None = None
    ) -> dict[str, Any]:
        """The JSON object at an address, asked for with an access token where one is given.

        Raises ProviderUnavailable, and CredentialRefused with the text of `refusal` when the
        provider blames the credential.
        """
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        with _faults_told_apart(), _queries_kept_from_logs():
            response = await self._client.request("GET", url, headers=headers, withhold_token=True)
            if refusal and response.status_code in REFUSAL_STATUSES:
                raise CredentialRefused(refusal)
            if response.status_code != httpx2.codes.OK:
                raise ProviderUnavailable(f"The provider answered {response.status_code}.")
            return json_object(response.content)

    async def exchange(
        self, url: str, *, auth_method: str, **parameters: str | None
    ) -> Mapping[str, Any]:
        """What the token endpoint gives for an authorization code.

        Raises CredentialRefused, ProviderUnavailable.
        """
        with _faults_told_apart():
            answer: Mapping[str, Any] = await self._client.fetch_token(
                url,
                grant_type="authorization_code",
                auth=self._client.client_auth(auth_method),
                **parameters,
            )
            return answer


def json_object(content: bytes) -> dict[str, Any]:
    """The JSON object that the bytes spell. Raises ValueError, RecursionError."""
    value = json.loads(content)
    if not isinstance(value, dict):
        raise ValueError("This is no JSON object.")
    return value


@contextmanager
def _faults_told_apart() -> Iterator[None]:
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
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ProviderUnavailable("The provider's answer makes no sense.") from error


class _LimitedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MAXIMUM_RESPONSE_BYTES:
                raise ProviderUnavailable("The provider's answer is too long.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _limit_size(response: httpx2.Response) -> None:
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _LimitedStream(response.stream)


class _WithoutQueries(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                argument.copy_with(query=None) if isinstance(argument, httpx2.URL) else argument
                for argument in record.args
            )
        return True


@contextmanager
def _queries_kept_from_logs() -> Iterator[None]:
    # httpx2 logs each address that it asks, and one of them holds an access token.
    log = logging.getLogger("httpx2")
    without_queries = _WithoutQueries()
    log.addFilter(without_queries)
    try:
        yield
    finally:
        log.removeFilter(without_queries)


ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
)
CACHE_LIFE = timedelta(hours=1)
REFETCH_PAUSE = timedelta(minutes=1)
Value = TypeVar("Value")
Clock = Callable[[], datetime]


class Provider:
    """What the discovery document says and points to.

    Document and keys are fetched when first needed and renewed every hour; a token that names an
    unknown key has the keys fetched again, at most once a minute. Every method raises
    ProviderUnavailable.
    """

    def __init__(self, *, discovery_url: str, outbound: Outbound, clock: Clock) -> None:
        self._discovery_url = discovery_url
        self._outbound = outbound
        self._clock = clock
        self._document = _Memory(self._fetch_document, clock)
        self._keys = _Memory(self._fetch_keys, clock)
        self._next_refetch: datetime | None = None

    async def issuer(self) -> str:
        return _text(await self._document.get(), "issuer")

    async def endpoint(self, name: str) -> str:
        """An address from the document; a secure one if the document came from a secure one."""
        url = _text(await self._document.get(), name)
        secure = self._discovery_url.startswith("https://")
        if not url.startswith("https://" if secure else ("https://", "http://")):
            raise ProviderUnavailable(f"The discovery document's {name} is no secure address.")
        return url

    async def auth_method(self) -> str:
        """How the application shows its secret at the token endpoint."""
        methods = await self._listed("token_endpoint_auth_methods_supported")
        basic = methods is None or "client_secret_basic" in methods
        return "client_secret_basic" if basic else "client_secret_post"

    async def algorithms(self) -> frozenset[str]:
        """The signature algorithms that the provider lists and we accept; never empty."""
        listed = await self._listed("id_token_signing_alg_values_supported")
        algorithms = ALGORITHMS.intersection(["RS256"] if listed is None else listed)
        if not algorithms:
            raise ProviderUnavailable("The provider signs with no algorithm that is accepted.")
        return algorithms

    async def key(self, header: Mapping[str, Any]) -> Key:
        """The provider's key that a token's header names. Raises CredentialRefused too."""
        try:
            return _find(await self._keys.get(), header)
        except InvalidKeyIdError:
            if self._next_refetch and self._clock() < self._next_refetch:
                raise CredentialRefused("The credential is signed with an unknown key.") from None
        self._next_refetch = self._clock() + REFETCH_PAUSE
        try:
            return _find(await self._keys.get(anew=True), header)
        except InvalidKeyIdError:
            raise CredentialRefused("The credential is signed with an unknown key.") from None

    async def _listed(self, name: str) -> list[str] | None:
        value = (await self._document.get()).get(name)
        return [str(item) for item in value] if isinstance(value, list) else None

    async def _fetch_document(self) -> dict[str, Any]:
        return await self._outbound.read(self._discovery_url)

    async def _fetch_keys(self) -> KeySet:
        document = await self._outbound.read(await self.endpoint("jwks_uri"))
        try:
            return KeySet.import_key_set({"keys": document["keys"]})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderUnavailable("The provider's keys make no sense.") from error


class _Memory(Generic[Value]):
    def __init__(self, fetch: Callable[[], Awaitable[Value]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: tuple[Value, datetime] | None = None

    async def get(self, *, anew: bool = False) -> Value:
        async with self._lock:
            if anew or self._known is None or self._clock() >= self._known[1]:
                self._known = await self._fetch(), self._clock() + CACHE_LIFE
            return self._known[0]


def _find(keys: KeySet, header: Mapping[str, Any]) -> Key:
    return keys.get_by_kid(header.get("kid"), {"alg": header["alg"], "use": "sig"})


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise ProviderUnavailable(f"The discovery document has no {name}.")
    return value


REFUSED_HEADERS = frozenset({"crit", "b64", "jwk", "jku", "x5c", "x5u"})
LEEWAY_SECONDS = 60
MALFORMED = "The credential is malformed."
OTHER_APPLICATION = "The credential was issued for another application."
EXPIRED = "The credential has expired."


class IdTokens:
    """Verifies ID tokens that `provider` issues to the application `client_id`."""

    def __init__(
        self, *, client_id: str, provider: Provider, clock: Callable[[], datetime]
    ) -> None:
        self._client_id = client_id
        self._provider = provider
        self._clock = clock

    async def claims(
        self, id_token: str, *, nonce: str | None = None, access_token: str | None = None
    ) -> Mapping[str, Any]:
        """What the token says, once everything about it is right.

        nonce: what the sign-in was started with; not compared when None.
        access_token: came together with the ID token, which may hold its hash.
        Raises CredentialRefused, ProviderUnavailable.
        """
        signature = _parse(id_token)
        header = signature.headers()
        claims = await self._signed(signature)
        issuer = await self._provider.issuer()
        token = IDToken(
            claims,
            header,
            options={
                # Google signs with and without the scheme.
                "iss": {"essential": True, "values": [issuer, issuer.removeprefix("https://")]},
                "aud": {"essential": True, "value": self._client_id},
            },
            params={"client_id": self._client_id, "access_token": access_token},
        )
        self._check(token)
        if nonce is not None and claims.get("nonce") != nonce:
            raise CredentialRefused("The credential belongs to another sign-in.")
        return claims

    async def _signed(self, signature: jws.CompactSignature) -> dict[str, Any]:
        algorithms = await self._provider.algorithms()
        header = signature.headers()
        if header["alg"] not in algorithms:
            raise CredentialRefused("The credential's signature algorithm is not accepted.")
        key = await self._provider.key(header)
        registry = jws.JWSRegistry(algorithms=list(algorithms), strict_check_header=False)
        try:
            if not jws.validate_compact(signature, key, registry=registry):
                raise CredentialRefused("The credential's signature is wrong.")
            return json_object(signature.payload)
        except (JoseError, ValueError, TypeError, RecursionError):
            raise CredentialRefused(MALFORMED) from None

    def _check(self, token: IDToken) -> None:
        try:
            token.validate(now=int(self._clock().timestamp()), leeway=LEEWAY_SECONDS)
        except ExpiredTokenError:
            raise CredentialRefused(EXPIRED) from None
        except ClaimError as error:
            raise CredentialRefused(_complaint(error.claim)) from None
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


def _complaint(claim: str) -> str:
    if claim in ("aud", "azp"):
        return OTHER_APPLICATION
    if claim == "iss":
        return "The credential was issued by another provider."
    if claim in ("iat", "nbf"):
        return "The credential is not valid yet."
    return MALFORMED
