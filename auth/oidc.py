"""An OpenID Connect provider: its discovery document and its signing keys."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import Key, KeySet

from auth.outbound import CredentialRefused, Outbound, ProviderUnavailable

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
