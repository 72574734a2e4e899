"""Names and ids that are unique here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from tortoise.functions import Max
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models import LegacyKind, LegacyRow
from portal.legacy.sequences import last_given
from portal.legacy.source import Source

MAXIMUM_ID = 2**31 - 1
HIGHEST_ID = MAXIMUM_ID - 1_000_000  # leaves room for those who come later


class Names:
    """Gives every row its name, or one with a suffix that nobody else has or wants."""

    def __init__(
        self, key: Callable[[str], str], limit: int, taken: Iterable[str], wanted: Iterable[str]
    ) -> None:
        self._key = key
        self._limit = limit
        self._taken = set(map(key, taken))
        self._wanted = set(map(key, wanted))

    def allot(self, name: str) -> str:
        allotted, number = name, 1
        while self._is_taken(allotted) or (number > 1 and self._key(allotted) in self._wanted):
            number += 1
            suffix = f"-{number}"
            allotted = name[: self._limit - len(suffix)] + suffix
        self._taken.add(self._key(allotted))
        return allotted

    def release(self, name: str) -> None:
        self._taken.discard(self._key(name))

    def _is_taken(self, name: str) -> bool:
        return self._key(name) in self._taken


class Ids:
    """Gives every row the id that it has there, or a higher one where that can't be.

    free: with all after it, never the id of anything.
    others: belong to rows there that were taken over before, even to those that are deleted here.
    """

    def __init__(self, free: int, others: Collection[int]) -> None:
        self._free = free
        self._others = others

    @classmethod
    async def of(cls, kind: LegacyKind, model: type[Model], source: Source, table: str) -> Ids:
        [row] = await source.rows(
            f'SELECT max("id") AS "highest" FROM "{table}" WHERE "id" <= {HIGHEST_ID}'  # noqa: S608
        )
        highest: list[Any] = await model.annotate(highest=Max("id")).values_list(
            "highest", flat=True
        )
        targets: list[Any] = await LegacyRow.filter(kind=kind).values_list("target_id", flat=True)
        used = (row["highest"] or 0, highest[0] or 0, await last_given(model), *targets)
        return cls(max(used) + 1, set(targets))

    def allot(self, source_id: int, taken: Collection[int]) -> int:
        is_free = source_id not in taken and source_id not in self._others
        if 0 < source_id <= HIGHEST_ID and is_free:
            return source_id
        self._free += 1
        return self._free - 1


async def texts_of(rows: QuerySet[Any], column: str) -> list[str]:
    found: list[Any] = await rows.values_list(column, flat=True)
    return found
