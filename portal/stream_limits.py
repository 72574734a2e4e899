from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How connections that stay open are kept honest.

    recheck_interval: how long a silent stream goes on before its session is looked up again.
    keep_alive: how long server-sent events are silent before a comment is sent.
    connection_init: how long a WebSocket may be open before it says `connection_init`.
    operations: how many operations may run at once over one WebSocket.
    connections: how many connections of both kinds may be open at once for one user, or from one
        address for those who are not signed in.
    """

    recheck_interval: timedelta = timedelta(seconds=15)
    keep_alive: timedelta = timedelta(seconds=15)
    connection_init: timedelta = timedelta(seconds=10)
    operations: int = 20
    connections: int = 20


DEFAULT_STREAM_LIMITS = StreamLimits()
