"""How often somebody may try. Attempts are counted before they are checked, as failed ones.

Everybody is counted in the same way, so that no answer tells which accounts there are. An address
from which an account has signed in is familiar to it: once the limits for all are used up, the
password is looked at there even so, and opens; whatever else is tried there is answered as for
everybody. So whoever fails on purpose does not lock out the owner; and live sessions are never
asked. Every limit ends by itself.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter

from auth.attempts import AttemptCounts
from auth.passwords import CURRENT
from models import AttemptCount, FamiliarAddress, User, username_key
from models.users import KEY_LENGTH
from resolvers.errors import RateLimited

IPV6_SITE = 64
FAMILIARITY = timedelta(days=90)

# One address, for all accounts; and one account, for all addresses, in a window and in a day
ADDRESS = RateLimitItemPerMinute(50, 15, namespace="address")
ACCOUNT = RateLimitItemPerMinute(20, 15, namespace="account")
ACCOUNT_DAY = RateLimitItemPerDay(100, namespace="account")
# What an address that is familiar to the account has beyond these, for all such accounts of a
# campus and for the account there
FAMILIAR_ADDRESS = RateLimitItemPerMinute(200, 15, namespace="familiar-address")
FAMILIAR_ACCOUNT = RateLimitItemPerMinute(20, 15, namespace="familiar-account")
FAMILIAR_ACCOUNT_DAY = RateLimitItemPerDay(100, namespace="familiar-account")
# Nobody guesses what Google has signed: this is against floods only
GOOGLE = RateLimitItemPerMinute(60, namespace="google")
# Whoever has a session and says to know its password
PASSWORD_CHANGE = RateLimitItemPerMinute(10, 15, namespace="password-change")


@dataclass(frozen=True, slots=True)
class Counter:
    """Of whom something is counted, and up to which limit."""

    limit: RateLimitItem
    subject: str

    @property
    def key(self) -> str:
        return self.limit.key_for(self.subject)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Counts as failed unless one of the methods is called.

    counted: where it was counted.
    forgiven: counters whose earlier failures a success forgets.
    familiar: what a success makes familiar.
    refusal: how a failure is answered, so that it tells no more than everybody is told; None where
        it may be told.
    """

    counts: AttemptCounts
    counted: tuple[Counter, ...]
    forgiven: tuple[Counter, ...] = ()
    familiar: tuple[FamiliarAddress, ...] = ()
    refusal: RateLimited | None = None

    async def succeeded(self) -> None:
        await self.withdraw()
        for counter in self.forgiven:
            await self.counts.clear(counter.key)
        if self.familiar:
            await FamiliarAddress.bulk_create(
                self.familiar, on_conflict=["key"], update_fields=["ends_at"]
            )

    async def withdraw(self) -> None:
        """Nothing was checked."""
        for counter in self.counted:
            await self.counts.take_back(counter.key)


class Throttle:
    """keys: what names and addresses are hashed with. Everything is counted under each of them, so
    that replicas agree, and nothing is forgotten, while keys are being replaced.
    """

    def __init__(self, *, keys: Iterable[str], clock: Callable[[], datetime]) -> None:
        self._keys = [_derived(key) for key in keys]
        self._clock = clock
        self._counts = AttemptCounts(clock)
        self._limiter = FixedWindowRateLimiter(self._counts)

    async def sign_in(self, username: str, address: str) -> Attempt:
        """With a password, at an account that may or may not exist. Raises RateLimited."""
        account, site = username_key(username[: KEY_LENGTH + 1]), network_of(address)
        accounts, sites = self._hashes("account", account), self._hashes("address", site)
        pairs = self._hashes("pair", f"{site}\0{account}")
        for_all = (*_each((ADDRESS,), sites), *_each((ACCOUNT, ACCOUNT_DAY), accounts))
        own = _each((FAMILIAR_ACCOUNT, FAMILIAR_ACCOUNT_DAY), pairs)
        familiar = self._familiar(pairs)
        used_up = await self._count(for_all)
        if used_up is None:
            return Attempt(self._counts, for_all, own, familiar)
        if not await FamiliarAddress.exists(key__in=pairs, ends_at__gt=self._now()):
            raise await self._refusal(used_up)
        beyond = (*_each((FAMILIAR_ADDRESS,), sites), *own)
        if used_up_too := await self._count(beyond):
            raise await self._refusal(used_up, cause=used_up_too)
        refusal = RateLimited(await self._wait(used_up))
        return Attempt(self._counts, beyond, own, familiar, refusal)

    async def sign_in_with_google(self, address: str) -> Attempt:
        """Apart from passwords, which have other reasons to fail. Raises RateLimited."""
        return await self._begin(_each((GOOGLE,), self._hashes("address", network_of(address))))

    async def change_password(self, user_id: int) -> Attempt:
        """Apart from sign-ins, so that strangers are not in the way. Raises RateLimited."""
        counters = _each((PASSWORD_CHANGE,), self._hashes("user", str(user_id)))
        return await self._begin(counters, forgiven=counters)

    async def _begin(
        self, counters: tuple[Counter, ...], forgiven: tuple[Counter, ...] = ()
    ) -> Attempt:
        if used_up := await self._count(counters):
            raise await self._refusal(used_up)
        return Attempt(self._counts, counters, forgiven)

    async def _count(self, counters: tuple[Counter, ...]) -> Counter | None:
        """Counts at all of them or, when one is used up, at none: then it is returned."""
        for counter in counters:
            if not await self._limiter.test(counter.limit, counter.subject):
                return counter
        for position, counter in enumerate(counters, start=1):
            if not await self._limiter.hit(counter.limit, counter.subject):
                await Attempt(self._counts, counters[:position]).withdraw()
                return counter
        return None

    async def _refusal(self, used_up: Counter, cause: Counter | None = None) -> RateLimited:
        """cause: the counter that would have let the attempt pass even so."""
        is_first = await self._is_first(cause or used_up)
        return RateLimited(await self._wait(used_up), is_first=is_first)

    async def _wait(self, counter: Counter) -> int:
        window = await self._limiter.get_window_stats(counter.limit, counter.subject)
        return max(1, ceil(window.reset_time - self._clock().timestamp()))

    async def _is_first(self, counter: Counter) -> bool:
        """Counted as well, so that of several refusals at once one is the first."""
        once = RateLimitItemPerMinute(1, 15, namespace=f"{counter.limit.namespace}-refused")
        return await self._limiter.hit(once, counter.subject)

    def _familiar(self, pairs: Iterable[str]) -> tuple[FamiliarAddress, ...]:
        ends_at = int((self._clock() + FAMILIARITY).timestamp())
        return tuple(FamiliarAddress(key=pair, ends_at=ends_at) for pair in pairs)

    def _hashes(self, kind: str, text: str) -> tuple[str, ...]:
        message = f"{kind}\0{text}".encode(errors="surrogatepass")
        return tuple(hmac.digest(key, message, "sha256").hex() for key in self._keys)

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _derived(key: str) -> bytes:
    return hashlib.sha256(b"kubeportal throttling\0" + key.encode()).digest()


def _each(limits: Iterable[RateLimitItem], subjects: Iterable[str]) -> tuple[Counter, ...]:
    return tuple(Counter(limit, subject) for limit in limits for subject in subjects)


def network_of(address: str) -> str:
    """What counts as one address: whoever has an IPv6 address has a whole network of them."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), IPV6_SITE), strict=False))
    return str(parsed)


async def forget_ended(now: datetime) -> int:
    """Deletes the counts of windows that are over and old addresses; returns how many."""
    over = {"ends_at__lte": int(now.timestamp())}
    return (
        await AttemptCount.filter(**over).delete() + await FamiliarAddress.filter(**over).delete()
    )


LOOKED_UP_EVERY = timedelta(minutes=1)


class OldHashes:
    """They go by themselves: each sign-in replaces one."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._found = False
        self._good_until: datetime | None = None

    async def exist(self) -> bool:
        """As it was at most a minute ago."""
        now = self._clock()
        if self._good_until is None or now >= self._good_until:
            others = User.filter(is_active=True, password_hash__isnull=False)
            self._found = await others.exclude(password_hash__startswith=CURRENT).exists()
            self._good_until = now + LOOKED_UP_EVERY
        return self._found
