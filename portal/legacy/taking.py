"""How rows of any kind are taken over: new ones made, known ones merged, a batch at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from models import Group, LegacyKind, LegacyRow, User, WebApp
from portal.legacy.incoming import Incoming, Taken
from portal.legacy.links import Links
from portal.legacy.memory import Memory
from portal.legacy.merging import merge
from portal.legacy.names import MAXIMUM_ID, Ids, Names
from portal.legacy.report import Rule
from portal.legacy.run import Run

UPDATE_BATCH = 500

M = TypeVar("M", User, Group, WebApp)


@dataclass(frozen=True, slots=True)
class Change(Generic[M]):
    """A row here and the values that it gets."""

    row: M
    incoming: Incoming
    values: dict[str, Any]


class Taking(Generic[M]):
    """`title` is that of the table in the report, `name` the column that is unique here."""

    kind: ClassVar[LegacyKind]
    title: ClassVar[str]
    name: ClassVar[str] = "name"
    links: ClassVar[tuple[Links, ...]] = ()

    def __init__(self, run: Run, model: type[M], names: Names, ids: Ids) -> None:
        self.run = run
        self.memory = Memory(self.kind)
        self._model: type[M] = model
        self._names = names
        self._ids = ids
        self._counts = run.table(self.title)

    async def take(self, batch: Sequence[Incoming]) -> list[Taken]:
        """Returns those of the batch that are here now."""
        self._counts.there += len(batch)
        await self.prepare(batch)
        remembered = await self.memory.load(batch)
        here = await self.here(batch, remembered.values())
        new: list[M] = []
        changes: list[Change[M]] = []
        taken: list[Taken] = []
        for one in batch:
            known = remembered.get(one.source_id)
            row = here.get(known.target_id) if known else None
            if known is None:
                new.append(self.made(one, here))
                taken.append(Taken(one, new[-1].pk))
            elif row is None:
                one.texts.note(Rule.GONE_HERE)
            else:
                taken.append(self.merged(one, known, row, changes))
        await self.update(changes)
        await self._model.bulk_create(new)
        for links in self.links:
            await links.take(taken, self.run.table(links.title))
        await self.memory.write(taken)
        return taken

    async def finish(self) -> None:
        """Once everything that is there has been taken."""
        for target_id in await self.memory.unseen():
            self._counts.gone += 1
            self.run.report.note(Rule.GONE_THERE, f"{self.kind.value.lower()} {target_id}")

    async def prepare(self, batch: Sequence[Incoming]) -> None:
        """Makes what the rows refer to."""

    def present(self, row: M, names: Collection[str]) -> Mapping[str, Any]:
        """The values of a row here, as `Incoming.values` has them."""
        return {name: getattr(row, name) for name in names}

    def columns(self, values: dict[str, Any]) -> dict[str, Any]:
        """Such values as the model has them."""
        return values

    async def here(
        self, batch: Sequence[Incoming], remembered: Collection[LegacyRow]
    ) -> dict[int, M]:
        """The rows with the ids of the batch, locked where the database can do that."""
        ids = {one.source_id for one in batch} | {row.target_id for row in remembered}
        rows = self._model.filter(pk__in=[key for key in ids if 0 < key <= MAXIMUM_ID])
        return {row.id: row for row in await rows.select_for_update()}

    def made(self, one: Incoming, here: Collection[int]) -> M:
        target_id = self._ids.allot(one.source_id, here)
        if target_id != one.source_id:
            one.texts.note(Rule.ID_TAKEN, f"now {target_id}")
        self._counts.new += 1
        named = one.values | {self.name: self._named(one)}
        made: M = self._model(id=target_id, **self.columns(named), **one.born)
        return made

    def merged(self, one: Incoming, known: LegacyRow, row: M, changes: list[Change[M]]) -> Taken:
        """Adds to the changes what there is to change."""
        merged = merge(one.values, known.values, self.present(row, one.values.keys()))
        if merged.kept:
            one.texts.note(Rule.CHANGED_HERE, ", ".join(merged.kept))
        if self.name in merged.changes:
            self._names.release(getattr(row, self.name))
            merged.changes[self.name] = self._named(one)
        if merged.changes:
            changes.append(Change(row, one, merged.changes))
        self._counts.changed += bool(merged.changes)
        self._counts.same += not merged.changes and not merged.kept
        return Taken(one, row.pk, known, merged.kept)

    async def update(self, changes: Sequence[Change[M]]) -> None:
        """One may get the name that another one has just given up: those go in their order."""
        alike: defaultdict[tuple[str, ...], list[M]] = defaultdict(list)
        for change in changes:
            row = change.row
            columns = self.columns(change.values) | {"version": row.version + 1}
            row.update_from_dict(columns)
            if self.name in columns:
                await row.save(update_fields=list(columns))
            else:
                alike[tuple(columns)].append(row)
        for names, rows in alike.items():
            await self._model.bulk_update(rows, names, batch_size=UPDATE_BATCH)

    def _named(self, one: Incoming) -> str:
        wanted = one.values[self.name]
        allotted = self._names.allot(wanted)
        if allotted != wanted:
            one.texts.note(Rule.NAME_TAKEN, f"now {allotted}")
        return allotted
