"""Rows that only connect others: which group a user is in, which address is proven theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tortoise.models import Model
from tortoise.queryset import QuerySet

from portal.legacy.incoming import Taken
from portal.legacy.merging import merge_set
from portal.legacy.report import Counts, Rule

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Links:
    """What an owner has any number of.

    name: of the set in `Incoming.sets`.
    title: of the table in the report.
    owner, member: columns of the model.
    constants: further columns, alike in all rows.
    """

    name: str
    title: str
    model: type[Model]
    owner: str
    member: str
    constants: Mapping[str, str] = field(default_factory=dict)

    async def take(self, taken: Sequence[Taken], counts: Counts) -> None:
        """Makes the rows here as they are there, unless that was changed here."""
        here = await self._here([one.target_id for one in taken])
        new: list[Model] = []
        gone: list[int] = []
        for one in taken:
            ours = here[one.target_id]
            merged = merge_set(one.incoming.sets[self.name], one.before(self.name), ours)
            new += [self._build(one.target_id, member) for member in merged.new]
            gone += [ours[member] for member in merged.gone]
            counts.new += len(merged.new)
            counts.same += len(merged.same)
            counts.gone += len(merged.gone)
            for _ in merged.kept_out:
                one.incoming.texts.note(Rule.CHANGED_HERE, f"{self.title}: removed here")
        await self.model.bulk_create(new, batch_size=BATCH)
        for start in range(0, len(gone), BATCH):
            await self.model.filter(id__in=gone[start : start + BATCH]).delete()

    def of_members(self, members: Iterable[Any]) -> QuerySet[Any]:
        return self.model.filter(**{f"{self.member}__in": list(members)}, **self.constants)

    async def _here(self, owners: list[int]) -> defaultdict[int, dict[Any, int]]:
        found: defaultdict[int, dict[Any, int]] = defaultdict(dict)
        query = self.model.filter(**{f"{self.owner}__in": owners}, **self.constants)
        for key, owner, member in await query.values_list("id", self.owner, self.member):
            found[owner][member] = key
        return found

    def _build(self, owner: int, member: Any) -> Model:
        return self.model(**{self.owner: owner, self.member: member}, **self.constants)
