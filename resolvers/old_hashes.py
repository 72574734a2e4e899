"""Whether some accounts still have hashes that take another time to compare than ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from auth.passwords import CURRENT
from models import User

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
