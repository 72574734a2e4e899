"""How rows of any kind are taken over: new ones made, known ones merged, a batch at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from models import Group, LegacyKind, LegacyRow, User, WebApp
from models.fingerprints import fingerprint
from portal.legacy.incoming import Incoming, Taken
from portal.legacy.links import Links
from portal.legacy.memory import ALLOTTED, Memory
from portal.legacy.merging import Merged, Remembered, merge
from portal.legacy.names import MAXIMUM_ID, Ids, Names
from portal.legacy.report import Rule
from portal.legacy.run import Run
from portal.legacy.texts import subject

BATCH = 1000
UPDATE_BATCH = 500
NO_NAME = "\x1f"  # nobody can have a name with it

M = TypeVar("M", User, Group, WebApp)


@dataclass(frozen=True, slots=True)
class Change(Generic[M]):
    """A row here and the values that it gets."""

    row: M
    incoming: Incoming
    values: dict[str, Any]


class Taking(Generic[M]):
    """Is told first which names are wanted, and then takes the rows.

    title: of the table in the report.
    noun: what the report calls a row.
    name: the column that is unique here.
    """

    kind: ClassVar[LegacyKind]
    title: ClassVar[str]
    noun: ClassVar[str]
    name: ClassVar[str] = "name"
    links: ClassVar[tuple[Links, ...]] = ()

    def __init__(self, run: Run, model: type[M], names: Names, ids: Ids) -> None:
        self.run = run
        self.memory = Memory(self.kind)
        self._model: type[M] = model
        self._names = names
        self._ids = ids
        self.gone: list[int] = []
        self._given_up: dict[int, str] = {}
        self._counts = run.table(self.title)

    async def release(self, wanted: Mapping[int, str]) -> None:
        """Frees the names of rows that are called otherwise there by now.

        wanted: the names by the ids there. Until such a row is taken, it has no name here that
        others could want, so that two may change their names with each other.
        """
        names = dict(await self._model.all().values_list("id", self.name))
        pairs = [
            (source, target)
            for source, target in await self.memory.pairs()
            if source in wanted and names.get(target) not in (None, wanted[source])
        ]
        for start in range(0, len(pairs), BATCH):
            here = dict(pairs[start : start + BATCH])
            for known in await self.memory.of_targets(here.values()):
                name, new = names[known.target_id], wanted[known.source_id]
                present = {self.name: self._meant(fingerprint(name), known.values)}
                if merge({self.name: new}, known.values, present).changes:
                    self._given_up[known.target_id] = name
        for name in self._given_up.values():
            self._names.release(name)
        await self._take_names_away()

    async def take(self, batch: Sequence[Incoming]) -> list[Taken]:
        """Returns those of the batch that are here now."""
        self._counts.there += len(batch)
        await self.prepare(batch)
        remembered = await self.memory.load(batch)
        here = await self.here(batch, remembered.values())
        merged = await self._merged(batch, remembered, here)
        new: list[M] = []
        changes: list[Change[M]] = []
        taken: list[Taken] = []
        for one in batch:
            known = remembered.get(one.source_id)
            if known is None:
                new.append(self.made(one, here))
                taken.append(Taken(one, new[-1].pk, named=getattr(new[-1], self.name)))
            elif known.target_id not in here:
                one.texts.note(Rule.GONE_HERE)
            else:
                row = here[known.target_id]
                taken.append(self._change(one, known, row, merged[row.id], changes))
        await self.update(changes)
        await self._model.bulk_create(new)
        await self.link(taken)
        await self.memory.write(taken)
        return taken

    async def finish(self) -> None:
        """Once everything that is there has been taken."""
        unseen = await self.memory.unseen()
        for start in range(0, len(unseen), BATCH):
            rows = self._model.filter(id__in=unseen[start : start + BATCH]).order_by("id")
            for key, name in await rows.values_list("id", self.name):
                self.gone.append(key)
                self._counts.gone += 1
                self.run.report.note(Rule.GONE_THERE, subject(self.noun, key, name))

    async def prepare(self, batch: Sequence[Incoming]) -> None:
        """Makes what the rows refer to."""

    async def link(self, taken: Sequence[Taken]) -> None:
        """Makes what connects the rows with others."""
        for links in self.links:
            await links.take(taken, self.run.table(links.title))

    def values(self, row: M, names: Collection[str]) -> Mapping[str, Any]:
        """Those of a row here, as `Incoming.values` has them."""
        return {name: getattr(row, name) for name in names}

    def present(self, row: M, known: LegacyRow, names: Collection[str]) -> dict[str, str]:
        """Fingerprints of what is here, to be compared with what is remembered."""
        found = {name: fingerprint(value) for name, value in self.values(row, names).items()}
        name = self._given_up.get(row.id)
        called = found[self.name] if name is None else fingerprint(name)
        return found | {self.name: self._meant(called, known.values)}

    def columns(self, values: dict[str, Any]) -> dict[str, Any]:
        """Such values as the model has them."""
        return values

    def touches(self, one: Incoming, row: M) -> bool:
        """Whether something is written that is not among the values of a row."""
        return False

    def touch(self, one: Incoming, row: M) -> None:
        """Notes to write that."""

    async def here(
        self, batch: Sequence[Incoming], remembered: Collection[LegacyRow]
    ) -> dict[int, M]:
        """The rows with the ids of the batch."""
        ids = {one.source_id for one in batch} | {row.target_id for row in remembered}
        rows = self._model.filter(pk__in=[key for key in ids if 0 < key <= MAXIMUM_ID])
        return {row.id: row for row in await rows}

    def made(self, one: Incoming, here: Collection[int]) -> M:
        target_id = self._ids.allot(one.source_id, here)
        if target_id != one.source_id:
            one.texts.note(Rule.ID_TAKEN, f"now {target_id}")
        self._counts.new += 1
        named = one.values | {self.name: self._named(one)}
        made: M = self._model(id=target_id, **self.columns(named), **one.born)
        return made

    async def update(self, changes: Sequence[Change[M]]) -> None:
        alike: defaultdict[tuple[str, ...], list[M]] = defaultdict(list)
        for change in changes:
            columns = self.columns(change.values) | {"version": change.row.version + 1}
            change.row.update_from_dict(columns)
            alike[tuple(columns)].append(change.row)
        for names, rows in alike.items():
            await self._model.bulk_update(rows, names, batch_size=UPDATE_BATCH)

    async def _merged(
        self, batch: Sequence[Incoming], remembered: Mapping[int, LegacyRow], here: dict[int, M]
    ) -> dict[int, Merged]:
        """By the ids here. Locks the rows that change, and no others: people go on signing in."""
        merged = dict(self._compare(batch, remembered, here))
        writing = [
            known.target_id
            for one in batch
            if (known := remembered.get(one.source_id))
            and (row := here.get(known.target_id))
            and (merged[row.id].changes or self.touches(one, row))
        ]
        if writing:
            rows = self._model.filter(id__in=writing).select_for_update(no_key=True)
            locked = {row.id: row for row in await rows}
            here |= locked
            merged |= dict(self._compare(batch, remembered, locked))
        return merged

    def _compare(
        self, batch: Sequence[Incoming], remembered: Mapping[int, LegacyRow], here: dict[int, M]
    ) -> Iterator[tuple[int, Merged]]:
        for one in batch:
            known = remembered.get(one.source_id)
            row = here.get(known.target_id) if known else None
            if known and row:
                present = self.present(row, known, one.values.keys())
                yield row.id, merge(one.values, known.values, present)

    def _change(
        self, one: Incoming, known: LegacyRow, row: M, merged: Merged, changes: list[Change[M]]
    ) -> Taken:
        """Adds to the changes what there is to change."""
        if self.touches(one, row):
            self.touch(one, row)
        named = None
        if merged.kept:
            one.texts.note(Rule.CHANGED_HERE, ", ".join(merged.kept))
        if self.name in merged.changes:
            named = merged.changes[self.name] = self._named(one)
        if merged.changes:
            changes.append(Change(row, one, merged.changes))
        self._counts.changed += bool(merged.changes)
        self._counts.same += not merged.changes and not merged.kept
        return Taken(one, row.id, known, merged.kept, named)

    def _named(self, one: Incoming) -> str:
        wanted = one.values[self.name]
        allotted = self._names.allot(wanted)
        if allotted != wanted:
            one.texts.note(Rule.NAME_TAKEN, f"now {allotted}")
        return allotted

    def _meant(self, called: str, remembered: Remembered) -> str:
        """A name with a suffix from here stands for the one that was wanted."""
        return str(remembered[self.name]) if called == remembered.get(ALLOTTED) else called

    async def _take_names_away(self) -> None:
        ids = list(self._given_up)
        for start in range(0, len(ids), BATCH):
            rows = await self._model.filter(id__in=ids[start : start + BATCH])
            for row in rows:
                row.update_from_dict(self.columns({self.name: f"{NO_NAME}{row.id}"}))
            names = self.columns({self.name: NO_NAME})
            await self._model.bulk_update(rows, names, batch_size=UPDATE_BATCH)
