"""Counts attempts in the database, so that all replicas count the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from limits.aio.storage import Storage
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import BaseORMException
from tortoise.expressions import F

from models import AttemptCount

# One statement, as two attempts at the same time must not see the same count
COUNT = """
    INSERT INTO attempt_counts AS a (key, count, ends_at) VALUES ($1, $2, $3)
    ON CONFLICT (key) DO UPDATE SET
        count = excluded.count + CASE WHEN a.ends_at > $4 THEN a.count ELSE 0 END,
        ends_at = CASE WHEN a.ends_at > $4 THEN a.ends_at ELSE excluded.ends_at END
    RETURNING count
"""


class AttemptCounts(Storage):
    """What the limits of `limits` are counted in; a window begins with its first attempt."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._clock = clock

    @property
    def base_exceptions(self) -> type[Exception]:
        return BaseORMException

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """The number of attempts with this one."""
        database: BaseDBAsyncClient = AttemptCount._meta.db
        now = self._now()
        # SQLite's numbered parameters are spelled differently
        sqlite = database.capabilities.dialect == "sqlite"
        statement = COUNT.replace("$", "?") if sqlite else COUNT
        [row] = await database.execute_query_dict(statement, [key, amount, now + expiry, now])
        return int(row["count"])

    async def get(self, key: str) -> int:
        found = await self._open(key)
        return found.count if found else 0

    async def get_expiry(self, key: str) -> float:
        found = await self._open(key)
        return float(found.ends_at if found else self._now())

    async def check(self) -> bool:
        await AttemptCount.exists()
        return True

    async def reset(self) -> int:
        return await AttemptCount.all().delete()

    async def clear(self, key: str) -> None:
        await AttemptCount.filter(key=key).delete()

    async def take_back(self, key: str) -> None:
        """One attempt less."""
        await AttemptCount.filter(key=key, count__gt=0).update(count=F("count") - 1)

    async def _open(self, key: str) -> AttemptCount | None:
        return await AttemptCount.get_or_none(key=key, ends_at__gt=self._now())

    def _now(self) -> int:
        return int(self._clock().timestamp())
