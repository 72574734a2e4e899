"""How much work a stored hash asks for: one that comes from elsewhere may ask for years of it."""

from __future__ import annotations

import re

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
