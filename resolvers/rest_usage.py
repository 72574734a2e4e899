"""Who still calls which route of the REST API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from tortoise.expressions import F
from tortoise.transactions import in_transaction

from models import RestUsage

MAXIMUM_CLIENTS = 20
OTHERS = "(others)"
KEPT = timedelta(days=365)


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """What is counted by itself; `client` may be empty."""

    method: str
    route: str
    document: str
    client: str

    @property
    def by_others(self) -> Call:
        return replace(self, client=OTHERS)


@dataclass(slots=True)
class Tally:
    """How often something was called, and between when."""

    count: int
    first_seen_at: datetime
    last_seen_at: datetime

    def add(self, other: Tally) -> None:
        self.count += other.count
        self.first_seen_at = min(self.first_seen_at, other.first_seen_at)
        self.last_seen_at = max(self.last_seen_at, other.last_seen_at)


Tallies = dict[Call, Tally]


def merge(tallies: Tallies, call: Call, tally: Tally) -> None:
    tallies.setdefault(call, replace(tally, count=0)).add(tally)


async def add(tallies: Mapping[Call, Tally], now: datetime) -> None:
    """All of it or nothing; any number of replicas may add at once.

    Of one route and document MAXIMUM_CLIENTS are told apart, whoever comes first, and the rest
    are others; a client that was not seen for long makes room.
    """
    async with in_transaction():
        await RestUsage.filter(last_seen_at__lt=now - KEPT).delete()
        for call, tally in (await _fitting(tallies)).items():
            await _add(call, tally)


async def usage() -> list[RestUsage]:
    """By route, the most recent client first."""
    return await RestUsage.all().order_by("route", "method", "document", "-last_seen_at")


async def _add(call: Call, tally: Tally) -> None:
    row = RestUsage(**asdict(call), **asdict(replace(tally, count=0)))
    await RestUsage.bulk_create([row], ignore_conflicts=True)
    same = RestUsage.filter(**asdict(call))
    await same.update(count=F("count") + tally.count)
    await same.filter(last_seen_at__lt=tally.last_seen_at).update(last_seen_at=tally.last_seen_at)


async def _fitting(tallies: Mapping[Call, Tally]) -> Tallies:
    """In an order that all replicas share, so that no two wait for each other."""
    columns = ("method", "route", "document", "client")
    known = {Call(*values) for values in await RestUsage.all().values_list(*columns)}
    clients = Counter(call.by_others for call in known if call != call.by_others)
    fitting: Tallies = {}
    for call, tally in sorted(tallies.items()):
        if call not in known and clients[call.by_others] >= MAXIMUM_CLIENTS:
            merge(fitting, call.by_others, tally)
        else:
            clients[call.by_others] += call not in known
            merge(fitting, call, tally)
    return dict(sorted(fitting.items()))
