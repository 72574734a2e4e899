"""ID tokens: whether a provider signed one, for this application, for now."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from authlib.oidc.core import IDToken
from joserfc import jws
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError

from auth.oidc import Provider
from auth.outbound import CredentialRefused, json_object

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
