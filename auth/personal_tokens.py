"""Personal access tokens: random, recognisable, and known here by their keyed hashes only."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence

PREFIX = "kubeportal_pat_"
MAXIMUM_LENGTH = 100
PURPOSE = b"kubeportal personal access token"


class PersonalTokens:
    """keys: the first one hashes, the others are still looked for. At least one is needed."""

    def __init__(self, *, keys: Sequence[str]) -> None:
        self._keys = [hmac.digest(PURPOSE, key.encode(), "sha256") for key in keys]

    def new(self) -> str:
        return PREFIX + secrets.token_urlsafe(32)

    def hash(self, token: str) -> str:
        return self.hashes(token)[0]

    def hashes(self, token: str) -> list[str]:
        """What may be stored for the token: the present hash first, then those of older keys."""
        return [hmac.digest(key, token.encode(), "sha256").hex() for key in self._keys]

    @staticmethod
    def recognises(token: str) -> bool:
        return token.startswith(PREFIX) and len(token) <= MAXIMUM_LENGTH and token.isascii()
