"""Service-account tokens."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

SHORTEST_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ServiceAccountToken:
    """A bearer token; `expires_at` (UTC) is the server's own word, None means never."""

    value: str = field(repr=False)
    expires_at: datetime | None
