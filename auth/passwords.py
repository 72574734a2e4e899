"""Passwords: which ones are accepted, how they are hashed, and how they are verified."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar, TypeVarTuple

import anyio
from passlib.context import CryptContext

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 128
MINIMUM_SCORE = 2  # of 4; below a million guesses, zxcvbn calls a password "very guessable"
# zxcvbn takes seconds for hostile texts that are longer, and raises an error above 72 characters
ESTIMATED_LENGTH = 32
PRODUCT = "kubeportal"
# OWASP's recommendation for Argon2id: 19 MiB, two passes, one lane
MEMORY_KIBIBYTES = 19 * 1024
PASSES = 2
LANES = 1
# Hashes from elsewhere choose their own cost. Refused are those that would keep a worker for more
# than seconds: 10 million rounds of PBKDF2, 1 GiB, 10 passes or 100 lanes of Argon2, 2^16 of bcrypt
TOO_COSTLY = re.compile(
    r"pbkdf2_\w+\$\d{8} | \bm=\d{7} | \bt=\d{2} | \bp=\d{3} | \$2\w\$(1[6-9]|[2-9]\d)", re.VERBOSE
)

# zxcvbn keeps the names of the call in a module variable, so that calls must not overlap
_zxcvbn_lock = Lock()


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a verification.

    replacement: a new hash to store when the password is right and its hash of an older kind.
    """

    ok: bool
    replacement: str | None = None


class UnusablePassword(ValueError):
    """The password is not accepted as a new one; the message is meant for its owner."""


class PasswordsBusy(Exception):
    """The queue of passwords to hash is full; nothing was done."""


class Passwords:
    """Hashes and verifies passwords in worker threads of its own.

    The C library keeps the memory of a hash for the next one of the same thread, so the threads
    must not be any of the many that the application shares.

    names: names of the portal, which new passwords must not consist of.
    memory_kibibytes: the cost of new hashes; tests lower it.
    concurrency: how many hashes are computed at the same time.
    waiting: how many calls may wait; further ones raise PasswordsBusy.
    """

    def __init__(
        self,
        *,
        names: Iterable[str] = (),
        memory_kibibytes: int = MEMORY_KIBIBYTES,
        concurrency: int = 2,
        waiting: int = 100,
    ) -> None:
        self._names = tuple(names)
        self._context = _context(memory_kibibytes)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="passwords")
        self._limiter = anyio.CapacityLimiter(concurrency)
        self._waiting = waiting

    async def hash(self, password: str, owner: Iterable[str] = ()) -> str:
        """The hash of a new password. Raises UnusablePassword and PasswordsBusy.

        owner: names and addresses of the owner, which the password must not consist of.
        """
        return await self._in_worker(self._hash, password, (*owner, *self._names))

    async def verify(self, password: str, stored: str | None) -> Verification:
        """Compare a password with a stored hash, exactly as it was typed. Raises PasswordsBusy.

        Without a usable hash the answer is no, and costs one hash of the current kind: an account
        that does not exist is not recognisable by the time.
        """
        return await self._in_worker(self._verify, password, stored)

    def knows(self, stored: str) -> bool:
        """Whether passwords can be compared with this hash, at an acceptable cost."""
        if TOO_COSTLY.search(stored):
            return False
        try:
            handler = self._context.handler(self._context.identify(stored, required=True))
            handler.needs_update(stored)  # parses it
        # libpass raises NotImplementedError for parameters of Argon2 such as `keyid`
        except (ValueError, NotImplementedError):
            return False
        return not stored.endswith("$")  # parses as well, but holds no checksum

    async def _in_worker(
        self, function: Callable[[*Arguments], Result], *given: *Arguments
    ) -> Result:
        if self._limiter.statistics().tasks_waiting >= self._waiting:
            raise PasswordsBusy
        async with self._limiter:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, function, *given)

    def _hash(self, password: str, names: Iterable[str]) -> str:
        check_password(password, names)
        return str(self._context.hash(password))

    def _verify(self, password: str, stored: str | None) -> Verification:
        if stored is not None and self.knows(stored):
            try:
                return Verification(*self._context.verify_and_update(password, stored))
            except ValueError:  # libpass: a password of more than 4,096 bytes, or not Unicode
                pass
        self._context.dummy_verify()
        return Verification(False)


def check_password(password: str, names: Iterable[str] = ()) -> None:
    """Raises UnusablePassword when this is not accepted as a new password.

    names: names and addresses of the owner and the portal, which attackers try first.
    """
    if len(password) < MINIMUM_LENGTH:
        raise UnusablePassword(f"A password has at least {MINIMUM_LENGTH} characters.")
    if len(password) > MAXIMUM_LENGTH:
        raise UnusablePassword(f"A password has at most {MAXIMUM_LENGTH} characters.")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise UnusablePassword("A password has complete Unicode characters only.")
    from zxcvbn import zxcvbn  # here, as its dictionaries take 12 MiB

    words = [PRODUCT, *(word for name in names if name for word in (name, *name.split("@")))]
    with _zxcvbn_lock:
        estimate = zxcvbn(password[:ESTIMATED_LENGTH], user_inputs=words)
    if estimate["score"] < MINIMUM_SCORE:
        raise UnusablePassword(
            "This password is too easy to guess: common, a pattern, or made of its owner's names."
        )


def _context(memory_kibibytes: int) -> CryptContext:
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
        argon2__memory_cost=memory_kibibytes,
        argon2__rounds=PASSES,
        argon2__parallelism=LANES,
    )
