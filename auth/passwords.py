"""Passwords: Argon2id for new ones, Django's hashes as they are, all off the event loop."""

from dataclasses import dataclass

import anyio
from anyio.to_thread import run_sync
from passlib.context import CryptContext

MAXIMUM_LENGTH = 4096
MEMORY_KIBIBYTES = 19 * 1024
PASSES = 2
LANES = 1


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer to "is this the password?".

    ok: it is.
    replacement: a fresh hash to store instead of the old one; None when the old one is current
        or the password is wrong.
    """

    ok: bool
    replacement: str | None = None


class UnusablePassword(ValueError):
    """No password can look like this; the message says why and is safe to show."""


class Passwords:
    """Hashes and verifies passwords in worker threads.

    concurrency: how many hashes are computed at once; the others wait in line.
    refusal_seconds: the least time that a refusal takes, so that neither a missing account nor
        an old, differently slow hash can be told from a wrong password.
    """

    def __init__(self, *, concurrency: int = 2, refusal_seconds: float = 0.25) -> None:
        self._context = _context()
        self._limiter = anyio.CapacityLimiter(concurrency)
        self._refusal_seconds = refusal_seconds

    async def hash(self, password: str) -> str:
        """A hash to store. Raises UnusablePassword."""
        complaint = _complaint(password)
        if complaint:
            raise UnusablePassword(complaint)
        return await run_sync(self._hash, password, limiter=self._limiter)

    async def verify(self, password: str, stored: str | None) -> Verification:
        """Compares a password with a stored hash; never raises.

        Without a hash, or with one that is unknown or unusable, the same work is done and the
        answer is no.
        """
        refusal_due = anyio.current_time() + self._refusal_seconds
        verification = await run_sync(self._verify, password, stored, limiter=self._limiter)
        if not verification.ok:
            await anyio.sleep_until(refusal_due)
        return verification

    def knows(self, stored: str) -> bool:
        """Whether a password could be compared with this hash."""
        try:
            handler = self._context.handler(self._context.identify(stored, required=True))
            handler.needs_update(stored)
        except (ValueError, NotImplementedError):
            return False
        return not stored.endswith("$")

    def _hash(self, password: str) -> str:
        return str(self._context.hash(password))

    def _verify(self, password: str, stored: str | None) -> Verification:
        if stored is None or _complaint(password):
            return self._refuse()
        try:
            ok, replacement = self._context.verify_and_update(password, stored)
        except (ValueError, NotImplementedError):
            return self._refuse()
        return Verification(ok, replacement)

    def _refuse(self) -> Verification:
        self._context.dummy_verify()
        return Verification(False)


def _context() -> CryptContext:
    return CryptContext(
        schemes=[
            "argon2",
            "django_argon2",
            "django_bcrypt_sha256",
            "django_pbkdf2_sha256",
            "django_pbkdf2_sha1",
        ],
        deprecated="auto",
        argon2__type="ID",
        argon2__memory_cost=MEMORY_KIBIBYTES,
        argon2__rounds=PASSES,
        argon2__parallelism=LANES,
    )


def _complaint(password: str) -> str | None:
    if len(password) > MAXIMUM_LENGTH:
        return f"A password has at most {MAXIMUM_LENGTH} characters."
    if "\0" in password:
        return "A password has no NUL characters."
    if any("\ud800" <= character <= "\udfff" for character in password):
        return "A password has complete Unicode characters only."
    return None
