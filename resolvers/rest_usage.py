"""Which clients call which routes of the REST API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from tortoise.expressions import F
from tortoise.transactions import in_transaction

from models import RestUsage

MAXIMUM_CLIENTS = 20
OTHERS = "(others)"
RETENTION = timedelta(days=365)


class Call(NamedTuple):
    """What is counted separately; `client` may be empty."""

    method: str
    route: str
    document: str
    client: str

    @property
    def by_others(self) -> Call:
        return self._replace(client=OTHERS)


@dataclass(slots=True)
class Count:
    """A number of calls, and the times of the first and the last one."""

    count: int
    first_seen_at: datetime
    last_seen_at: datetime

    def add(self, other: Count) -> None:
        self.count += other.count
        self.first_seen_at = min(self.first_seen_at, other.first_seen_at)
        self.last_seen_at = max(self.last_seen_at, other.last_seen_at)


Counts = dict[Call, Count]


def merge(counts: Counts, call: Call, count: Count) -> None:
    counts.setdefault(call, replace(count, count=0)).add(count)


async def add_counts(counts: Mapping[Call, Count], now: datetime) -> None:
    """Adds all of them in one transaction, for any number of replicas.

    For each route and document, the first MAXIMUM_CLIENTS are counted by name and the others
    together. A client that was not seen for RETENTION makes room.
    """
    async with in_transaction():
        await RestUsage.filter(last_seen_at__lt=now - RETENTION).delete()
        for call, count in (await _limit_clients(counts)).items():
            await _add(call, count)


async def usage() -> list[RestUsage]:
    """By route, the most recent client first."""
    return await RestUsage.all().order_by("route", "method", "document", "-last_seen_at")


async def _add(call: Call, count: Count) -> None:
    row = RestUsage(**call._asdict(), **asdict(replace(count, count=0)))
    await RestUsage.bulk_create([row], ignore_conflicts=True)
    same = RestUsage.filter(**call._asdict())
    await same.update(count=F("count") + count.count)
    await same.filter(last_seen_at__lt=count.last_seen_at).update(last_seen_at=count.last_seen_at)


async def _limit_clients(counts: Mapping[Call, Count]) -> Counts:
    """Sorted: replicas that lock rows in the same order have no deadlocks."""
    columns = ("method", "route", "document", "client")
    known = {Call(*values) for values in await RestUsage.all().values_list(*columns)}
    clients = Counter(call.by_others for call in known if call != call.by_others)
    limited: Counts = {}
    for call, count in sorted(counts.items(), key=lambda item: item[0]):
        if call not in known and clients[call.by_others] >= MAXIMUM_CLIENTS:
            merge(limited, call.by_others, count)
        else:
            clients[call.by_others] += call not in known
            merge(limited, call, count)
    return dict(sorted(limited.items(), key=lambda item: item[0]))
