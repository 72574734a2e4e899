"""Rate limits: fixed windows, counted in the database, so that all replicas count together."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import F

from models import AttemptCount
from resolvers.errors import RateLimited, Unavailable

IPV6_NETWORK = 64
# One statement, as two attempts at the same time must not read the same count
COUNT = """
    INSERT INTO attempt_counts AS a (key, count, ends_at) VALUES ($1, 1, $2)
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN a.ends_at > $3 THEN a.count + 1 ELSE 1 END,
        ends_at = CASE WHEN a.ends_at > $3 THEN a.ends_at ELSE excluded.ends_at END
    RETURNING count, ends_at
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many attempts one subject has in a window, which begins with the first of them."""

    name: str
    attempts: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Budget:
    """The limit of one subject: an account, a network, or a pair of them."""

    limit: Limit
    subject: str


class RateLimits:
    """key: for the keyed hashes under which subjects are stored, as a name may be a password that
    was typed into the wrong field.
    """

    def __init__(self, *, key: str, clock: Callable[[], datetime]) -> None:
        self._key = hmac.digest(key.encode(), b"kubeportal rate limits", "sha256")
        self._clock = clock

    @asynccontextmanager
    async def attempt(self, *budgets: Budget) -> AsyncIterator[None]:
        """Count an attempt, which the end of the block gives back: only failures stay counted.

        It is counted before the block, as otherwise many attempts at the same time would all pass.
        An Unavailable out of the block is no failure. Raises RateLimited instead of entering it.
        """
        await self._count(budgets)
        try:
            yield
        except Unavailable:
            await self._give_back(budgets)
            raise
        await self._give_back(budgets)

    async def remember(self, kind: str, subject: str, duration: timedelta) -> None:
        """Make `is_remembered` true for the duration."""
        row = AttemptCount(key=self._row_key(kind, subject), count=0, ends_at=self._now(duration))
        await AttemptCount.bulk_create([row], on_conflict=["key"], update_fields=["ends_at"])

    async def is_remembered(self, kind: str, subject: str) -> bool:
        return await AttemptCount.exists(key=self._row_key(kind, subject), ends_at__gt=self._now())

    async def _count(self, budgets: tuple[Budget, ...]) -> None:
        """A refused attempt uses up none of the budgets before the one that refuses it. There it
        stays counted, so that the first refusal of a window is the one just above the limit.
        """
        for position, budget in enumerate(budgets):
            count, ends_at = await self._increment(budget)
            if count > budget.limit.attempts:
                await self._give_back(budgets[:position])
                raise RateLimited(
                    max(1, ends_at - self._now()), is_first=count == budget.limit.attempts + 1
                )

    async def _increment(self, budget: Budget) -> tuple[int, int]:
        """The count with this attempt, and the end of the window."""
        database: BaseDBAsyncClient = AttemptCount._meta.db
        # SQLite spells numbered parameters differently
        sqlite = database.capabilities.dialect == "sqlite"
        statement = COUNT.replace("$", "?") if sqlite else COUNT
        key = self._row_key(budget.limit.name, budget.subject)
        ends_at = self._now(budget.limit.window)
        [row] = await database.execute_query_dict(statement, [key, ends_at, self._now()])
        return int(row["count"]), int(row["ends_at"])

    async def _give_back(self, budgets: tuple[Budget, ...]) -> None:
        # One row a statement: PostgreSQL may lock several in any order, and so run into deadlocks
        for budget in budgets:
            key = self._row_key(budget.limit.name, budget.subject)
            await AttemptCount.filter(key=key, count__gt=0).update(count=F("count") - 1)

    def _row_key(self, kind: str, subject: str) -> str:
        message = subject.encode(errors="surrogatepass")
        return f"{kind}/{hmac.digest(self._key, message, 'sha256').hex()}"

    def _now(self, later: timedelta = timedelta()) -> int:
        return int((self._clock() + later).timestamp())


def network_of(address: str) -> str:
    """The address, of IPv6 the network of 64 bits: a provider gives a client at least that much."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), IPV6_NETWORK), strict=False))
    return str(parsed)


async def prune_rate_limits(now: datetime) -> int:
    """Delete the counts of windows that are over; returns how many."""
    return await AttemptCount.filter(ends_at__lte=int(now.timestamp())).delete()
