"""Access tokens: signed ones for sign-ins (JWT), and personal ones that are stored as hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import jwt
from cachetools import LRUCache

ALGORITHM = "HS256"
TOKEN_TYPE = "at+jwt"  # noqa: S105
HEADERS = {"alg", "typ", "kid"}
CLAIMS = ["iss", "aud", "sub", "sid", "iat", "nbf", "exp"]
MAXIMUM_TOKEN_LENGTH = 2048
CLOCK_SKEW_SECONDS = 60
REMEMBERED = 10_000  # verified tokens


class InvalidAccessToken(Exception):
    """The token is not valid; `reason` never contains a part of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class VerifiedToken(NamedTuple):
    """What a token with a valid signature says; times are in seconds since 1970."""

    session_id: UUID
    not_before: int
    expires_at: int


class AccessTokens:
    """Issues and verifies access tokens, which name a session.

    A verified token is remembered by its digest: its signature stays valid, its times are checked
    each time, and the session that it names is for the caller to look up.

    keys: the first one signs, all of them verify. Raises ValueError for an empty list.
    clock: the current time, with its time zone.
    """

    def __init__(
        self,
        *,
        keys: Sequence[str],
        clock: Callable[[], datetime],
        issuer: str = "kubeportal",
        audience: str = "kubeportal",
    ) -> None:
        if not keys:
            raise ValueError("At least one key is required to sign access tokens.")
        secrets = [signing_key(key) for key in keys]
        self._signing_key = secrets[0]
        self._keys = {_fingerprint(secret): secret for secret in secrets}
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._verified: LRUCache[bytes, VerifiedToken] = LRUCache(REMEMBERED)

    def issue(self, *, session_id: UUID, user_id: int, expires_at: datetime) -> str:
        """A token for the session, valid until `expires_at`, which has a time zone."""
        now = int(self._clock().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "iat": now,
            "nbf": now,
            "exp": int(expires_at.timestamp()),
        }
        headers = {"typ": TOKEN_TYPE, "kid": _fingerprint(self._signing_key)}
        return jwt.encode(claims, self._signing_key, ALGORITHM, headers)

    def verify(self, token: str) -> UUID:
        """The session that the token names. Raises InvalidAccessToken."""
        if len(token) > MAXIMUM_TOKEN_LENGTH or not token.isascii():
            raise InvalidAccessToken("malformed")
        digest = hashlib.sha256(token.encode()).digest()
        verified = self._verified.get(digest)
        if verified is None:
            verified = self._verified[digest] = self._verify_signature(token)
        now = self._clock().timestamp()
        if now >= verified.expires_at:
            raise InvalidAccessToken("expired")
        if verified.not_before > now + CLOCK_SKEW_SECONDS:
            raise InvalidAccessToken("not yet valid")
        return verified.session_id

    def _verify_signature(self, token: str) -> VerifiedToken:
        try:
            claims = self._decode(token, self._key_for(jwt.get_unverified_header(token)))
        except jwt.PyJWTError as error:
            raise InvalidAccessToken(_reason(error)) from None
        if any(type(claims[name]) is not int for name in ("iat", "nbf", "exp")):
            raise InvalidAccessToken("malformed")
        return VerifiedToken(_session_id(claims), max(claims["iat"], claims["nbf"]), claims["exp"])

    def _key_for(self, header: Mapping[str, Any]) -> bytes:
        if set(header) != HEADERS:
            raise InvalidAccessToken("unexpected header")
        if header["typ"] != TOKEN_TYPE:
            raise InvalidAccessToken("wrong type")
        key = self._keys.get(header["kid"])
        if key is None:
            raise InvalidAccessToken("unknown key")
        return key

    def _decode(self, token: str, key: bytes) -> dict[str, Any]:
        # PyJWT compares times with the system clock only, and `verify` with the given one
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=self._issuer,
            audience=self._audience,
            options={
                "require": CLAIMS,
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )


def signing_key(key: str) -> bytes:
    """A key of 256 bits, as HS256 requires (RFC 7518, section 3.2), from one of any length."""
    return hashlib.sha256(b"kubeportal access token\0" + key.encode()).digest()


def _fingerprint(secret: bytes) -> str:
    return hmac.digest(secret, b"key id", "sha256").hex()[:16]


def _session_id(claims: Mapping[str, Any]) -> UUID:
    try:
        return UUID(claims["sid"])
    except (ValueError, AttributeError, TypeError):
        raise InvalidAccessToken("malformed") from None


def _reason(error: jwt.PyJWTError) -> str:
    if isinstance(error, jwt.InvalidSignatureError):
        return "wrong signature"
    if isinstance(error, jwt.InvalidAudienceError):
        return "wrong audience"
    if isinstance(error, jwt.InvalidIssuerError):
        return "wrong issuer"
    if isinstance(error, jwt.InvalidAlgorithmError):
        return "wrong algorithm"
    return "malformed"


PREFIX = "kubeportal_pat_"
MAXIMUM_LENGTH = 100
PURPOSE = b"kubeportal personal access token"


class PersonalTokens:
    """Creates personal access tokens and the keyed hashes under which they are stored.

    keys: the first one hashes new tokens, the others find older ones. At least one is required.
    """

    def __init__(self, *, keys: Sequence[str]) -> None:
        self._keys = [hmac.digest(PURPOSE, key.encode(), "sha256") for key in keys]

    def new(self) -> str:
        return PREFIX + secrets.token_urlsafe(32)

    def hash(self, token: str) -> str:
        return self.hashes(token)[0]

    def hashes(self, token: str) -> list[str]:
        """The hashes under which the token may be stored: that of the current key first."""
        return [hmac.digest(key, token.encode(), "sha256").hex() for key in self._keys]

    @staticmethod
    def recognises(token: str) -> bool:
        return token.startswith(PREFIX) and len(token) <= MAXIMUM_LENGTH and token.isascii()
