"""What is announced about the end of a route; the route itself goes on to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

HEADERS = {
    "Deprecation": "Since when clients should not rely on the route any more (RFC 9745).",
    "Sunset": "From when on the route may be gone (RFC 8594).",
}


@dataclass(frozen=True, slots=True)
class Retirement:
    """Raises ValueError for a sunset before the deprecation."""

    deprecation: datetime | None = None
    sunset: datetime | None = None

    def __post_init__(self) -> None:
        if self.deprecation and self.sunset and self.sunset < self.deprecation:
            raise ValueError("the sunset is not before the deprecation")

    @property
    def texts(self) -> dict[str, str | None]:
        """In ISO 8601, by the names of the attributes."""
        moments = {"deprecation": self.deprecation, "sunset": self.sunset}
        return {name: at.isoformat() if at else None for name, at in moments.items()}

    @property
    def headers(self) -> dict[str, str]:
        headers = {}
        if self.deprecation:
            headers["Deprecation"] = f"@{int(self.deprecation.timestamp())}"
        if self.sunset:
            headers["Sunset"] = format_datetime(self.sunset, usegmt=True)
        return headers


NOTHING_ANNOUNCED = Retirement()


def retirement(texts: Mapping[str, str]) -> Retirement:
    """From the arguments of a directive. Raises ValueError."""
    return Retirement(**{name: moment(text) for name, text in texts.items()})


def moment(text: str) -> datetime:
    """A day, at its midnight in UTC, or a time with its zone, in ISO 8601. Raises ValueError."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("use a day like 2030-01-31, or a time with its zone") from None
