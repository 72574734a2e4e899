"""How much work a stored hash asks for: one that comes from elsewhere may ask for years of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

import anyio
from anyio.to_thread import run_sync
from passlib.context import CryptContext
from zxcvbn import zxcvbn

KIBIBYTES, PASSES, LANES = 512 * 1024, 20, 32
# Each number and the most that it may be: several times what Django ever asked for
LIMITS = (
    (re.compile(r"pbkdf2_\w+\$(\d+)\$"), (5_000_000,)),
    (re.compile(r"\$m=(\d+),t=(\d+),p=(\d+)\$"), (KIBIBYTES, PASSES, LANES)),
    (re.compile(r"\$2[abxy]?\$(\d+)\$"), (16,)),
)


def is_bearable(stored: str) -> bool:
    """Whether comparing takes seconds at most."""
    for pattern, most in LIMITS:
        found = pattern.search(stored)
        if found and any(int(n) > limit for n, limit in zip(found.groups(), most, strict=True)):
            return False
    return True


MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 128
JUDGED_LENGTH = 32  # what is estimated grows much faster than the text
GUESSES = 1_000_000  # far more than throttling lets anybody try
PRODUCT = "kubeportal"
# What people choose who have to choose often
SEASONS = """
spring summer autumn fall winter frühling fruehling frühjahr fruehjahr sommer herbst
january february march april may june july august september october november december
januar jänner februar märz maerz mai juni juli oktober dezember
"""
TRIMMED = re.compile(r"[\W\d_]{0,3}(?P<name>.+?)[\W\d_]{0,6}", re.DOTALL)


def complaint(password: str, names: Iterable[str] = ()) -> str | None:
    """Why this can't be a new password, in words for its owner; None when it can.

    names: names and addresses of the owner and the portal, which others would try first.
    """
    if len(password) < MINIMUM_LENGTH:
        return f"A password has at least {MINIMUM_LENGTH} characters."
    if len(password) > MAXIMUM_LENGTH:
        return f"A password has at most {MAXIMUM_LENGTH} characters."
    if problem := impossible(password):
        return problem
    words = [PRODUCT, *_words(names)]
    if _is_trimmed_name(password, words) or _guesses(password, words) < GUESSES:
        return (
            "This password is too easy to guess: common, a pattern, or made of its owner's names."
        )
    return None


def impossible(password: str) -> str | None:
    """Why no hash can be of this password; None when one can."""
    if "\0" in password:
        return "A password has no NUL characters."
    if any("\ud800" <= character <= "\udfff" for character in password):
        return "A password has complete Unicode characters only."
    return None


def _is_trimmed_name(password: str, words: Iterable[str]) -> bool:
    """Whether it is a name or a season with a year, a few digits or signs around it."""
    trimmed = TRIMMED.fullmatch(_folded(password))
    return trimmed is not None and trimmed["name"] in {*SEASONS.split(), *map(_folded, words)}


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _guesses(password: str, words: Sequence[str]) -> float:
    """How many tries it takes, begun with the most common passwords, names and words."""
    judged = unicodedata.normalize("NFKC", password)[:JUDGED_LENGTH]
    return float(zxcvbn(judged, user_inputs=words)["guesses"])


def _words(names: Iterable[str]) -> Iterator[str]:
    for name in filter(None, names):
        yield name
        if "@" in name:
            yield from name.split("@")


LONGEST = 4096  # of Django's passwords
MEMORY_KIBIBYTES = 19 * 1024
PASSES = 2
LANES = 1
CURRENT = f"$argon2id$v=19$m={MEMORY_KIBIBYTES},t={PASSES},p={LANES}$"  # begins each new hash


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
    """This can't be a new password; the message says why and is safe to show."""


class PasswordsBusy(Exception):
    """Too many passwords wait to be hashed: nothing was done, and later there is room again."""


class Passwords:
    """Hashes and verifies passwords in worker threads.

    names: of the portal, which are no good passwords.
    concurrency: how many hashes are computed at once; the others wait in line.
    waiting: how many may wait; the next one is refused at once.
    refusal_seconds: the least time that a refusal takes once it is its turn, so that a missing
        account can't be told from a wrong password.
    single_refusal_seconds: the same for attempts at an account in single file, from its turn there;
        longer than hashes take that are slower than ours, as those of Django are.
    """

    def __init__(
        self,
        *,
        names: Iterable[str] = (),
        concurrency: int = 2,
        waiting: int = 100,
        refusal_seconds: float = 0.4,
        single_refusal_seconds: float = 0.8,
    ) -> None:
        self._names = tuple(names)
        self._context = _context()
        self._line = anyio.CapacityLimiter(concurrency)
        self._files: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()
        self._waiting = waiting
        self._judge = anyio.CapacityLimiter(1)  # zxcvbn keeps the owner's names in its module
        self._refusal_seconds = refusal_seconds
        self._single_refusal_seconds = single_refusal_seconds

    async def hash(self, password: str, owner: Iterable[str] = ()) -> str:
        """A hash to store of a new password; every door comes through here.

        owner: names and addresses of the owner, which are no good passwords.
        Raises UnusablePassword and PasswordsBusy.
        """
        problem = await run_sync(complaint, password, (*owner, *self._names), limiter=self._judge)
        if problem:
            raise UnusablePassword(problem)
        async with self._turn():
            return await run_sync(self._hash, password)

    async def verify(
        self, password: str, stored: str | None, patience: float | None = None
    ) -> Verification:
        """Compares a password with a stored hash. Raises PasswordsBusy.

        Without a hash, or with one that is unknown or unusable, the same work is done and the
        answer is no. Compared is exactly what was typed, as Django does: no Unicode form is
        turned into another.

        patience: how many seconds it waits for its turn at most; None is for as long as it takes.
        """
        async with self._turn(patience):
            refusal_due = anyio.current_time() + self._refusal_seconds
            verification = await run_sync(self._verify, password, stored)
        if not verification.ok:
            await anyio.sleep_until(refusal_due)
        return verification

    async def verify_in_single_file(
        self, account: str, password: str, stored: str | None
    ) -> Verification:
        """As `verify`, after all that came before to the same account, if there is one.

        While accounts have hashes that are slower than ours, many attempts at once would show how
        slow this one is. So each takes the same time, and those at other accounts go on.
        """
        async with self._single_file(account):
            refusal_due = anyio.current_time() + self._single_refusal_seconds
            verification = await self.verify(password, stored)
            if not verification.ok:
                await anyio.sleep_until(refusal_due)
        return verification

    def knows(self, stored: str) -> bool:
        """Whether a password could be compared with this hash, and in good time."""
        if not is_bearable(stored):
            return False
        try:
            handler = self._context.handler(self._context.identify(stored, required=True))
            handler.needs_update(stored)
        except (ValueError, NotImplementedError):
            return False
        return not stored.endswith("$")

    @asynccontextmanager
    async def _turn(self, patience: float | None = None) -> AsyncIterator[None]:
        waiting = self._line.statistics().tasks_waiting
        if self._line.available_tokens < 1 and waiting >= self._waiting:
            raise PasswordsBusy
        try:
            with anyio.fail_after(patience):
                await self._line.acquire()
        except TimeoutError:
            raise PasswordsBusy from None
        try:
            yield
        finally:
            self._line.release()

    @asynccontextmanager
    async def _single_file(self, account: str) -> AsyncIterator[None]:
        file = self._files.setdefault(account, anyio.Lock())
        if file.statistics().tasks_waiting >= self._waiting:
            raise PasswordsBusy
        async with file:
            yield

    def _hash(self, password: str) -> str:
        return str(self._context.hash(password))

    def _verify(self, password: str, stored: str | None) -> Verification:
        hopeless = len(password) > LONGEST or impossible(password)
        if stored is None or hopeless or not is_bearable(stored):
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
