"""Values of the former portal as this one keeps them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

BROKEN = "\ufffd"
TRUE = frozenset({"1", "t", "true", "y", "yes", "on"})


def flag(value: Any) -> bool:
    """True only for what surely means it."""
    return str(value).lower() in TRUE


def text(value: Any) -> str:
    """Empty for null."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return "" if value is None else str(value)


def moment(value: Any) -> datetime | None:
    """In UTC, which is also what Django means where it names no time zone.

    Raises ValueError for what is no moment.
    """
    if value is None or value == "":
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(text(value))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        raise ValueError(value) from None


def number(value: Any) -> int | None:
    """A key of another row; None for null and for what is no number."""
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None
