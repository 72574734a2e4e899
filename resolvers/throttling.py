"""How often somebody may try. Attempts are counted before they are checked, as failed ones.

An address from which an account has signed in is familiar to it. What strangers try never uses
up the attempts of a familiar address, so whoever fails on purpose does not lock out the owner;
and live sessions are never asked. Every limit ends by itself.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter

from auth.attempts import AttemptCounts
from models import AttemptCount, FamiliarAddress, username_key
from models.users import KEY_LENGTH
from resolvers.errors import RateLimited

IPV6_SITE = 64
FAMILIARITY = timedelta(days=90)

# All strangers to an account together, in a window and in a day
ACCOUNT = RateLimitItemPerMinute(20, 15, namespace="account")
ACCOUNT_DAY = RateLimitItemPerDay(100, namespace="account")
# One address, for all accounts to which it is a stranger
ADDRESS = RateLimitItemPerMinute(50, 15, namespace="address")
# One address that is familiar to the account: there, and for all such accounts of a campus
FAMILIAR_ACCOUNT = RateLimitItemPerMinute(20, 15, namespace="familiar-account")
FAMILIAR_ACCOUNT_DAY = RateLimitItemPerDay(100, namespace="familiar-account")
FAMILIAR_ADDRESS = RateLimitItemPerMinute(200, 15, namespace="familiar-address")
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

    address: counters whose earlier failures stay, whatever this attempt comes to.
    account: counters whose earlier failures a success forgets.
    pair: the account and its address, which a success makes familiar.
    """

    counts: AttemptCounts
    address: tuple[Counter, ...] = ()
    account: tuple[Counter, ...] = ()
    pair: FamiliarAddress | None = None

    async def succeeded(self) -> None:
        for counter in self.address:
            await self.counts.take_back(counter.key)
        for counter in self.account:
            await self.counts.clear(counter.key)
        if self.pair:
            await FamiliarAddress.bulk_create(
                [self.pair], on_conflict=["key"], update_fields=["ends_at"]
            )

    async def withdraw(self) -> None:
        """Nothing was checked."""
        for counter in (*self.address, *self.account):
            await self.counts.take_back(counter.key)


class Throttle:
    """key: what names and addresses are hashed with, the same on all replicas."""

    def __init__(self, *, key: str, clock: Callable[[], datetime]) -> None:
        self._key = hashlib.sha256(b"kubeportal throttling\0" + key.encode()).digest()
        self._clock = clock
        self._counts = AttemptCounts(clock)
        self._limiter = FixedWindowRateLimiter(self._counts)

    async def sign_in(self, username: str, address: str) -> Attempt:
        """With a password, at an account that may or may not exist. Raises RateLimited."""
        account = self._hash("account", username_key(username[: KEY_LENGTH + 1]))
        site = self._hash("address", network_of(address))
        pair = self._hash("pair", account + site)
        ends_at = int((self._clock() + FAMILIARITY).timestamp())
        familiar = await FamiliarAddress.exists(key=pair, ends_at__gt=self._now())
        attempt = Attempt(
            self._counts,
            (Counter(FAMILIAR_ADDRESS if familiar else ADDRESS, site),),
            (Counter(FAMILIAR_ACCOUNT, pair), Counter(FAMILIAR_ACCOUNT_DAY, pair))
            if familiar
            else (Counter(ACCOUNT, account), Counter(ACCOUNT_DAY, account)),
            FamiliarAddress(key=pair, ends_at=ends_at),
        )
        return await self._begin(attempt)

    async def sign_in_with_google(self, address: str) -> Attempt:
        """Raises RateLimited."""
        site = self._hash("address", network_of(address))
        return await self._begin(Attempt(self._counts, (Counter(ADDRESS, site),)))

    async def change_password(self, user_id: int) -> Attempt:
        """Apart from sign-ins, so that strangers are not in the way. Raises RateLimited."""
        user = self._hash("user", str(user_id))
        return await self._begin(Attempt(self._counts, account=(Counter(PASSWORD_CHANGE, user),)))

    async def _begin(self, attempt: Attempt) -> Attempt:
        """The address comes first: what it has used up uses up no account."""
        for counter in (*attempt.address, *attempt.account):
            if not await self._limiter.hit(counter.limit, counter.subject):
                window = await self._limiter.get_window_stats(counter.limit, counter.subject)
                wait = max(1, ceil(window.reset_time - self._clock().timestamp()))
                raise RateLimited(wait, is_first=await self._is_first(counter))
        return attempt

    async def _is_first(self, counter: Counter) -> bool:
        """Counted as well, so that of several refusals at once one is the first."""
        once = RateLimitItemPerMinute(1, 15, namespace=f"{counter.limit.namespace}-refused")
        return await self._limiter.hit(once, counter.subject)

    def _hash(self, kind: str, text: str) -> str:
        message = f"{kind}\0{text}".encode(errors="surrogatepass")
        return hmac.digest(self._key, message, "sha256").hex()

    def _now(self) -> int:
        return int(self._clock().timestamp())


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
