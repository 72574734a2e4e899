"""What every step of an import does: create the rows that are new, compare the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar, Generic, TypeVar

from tortoise.models import Model

from models import Group, LegacyKind, LegacyRow, User, WebApp
from portal.legacy.release import Release
from portal.legacy.report import Report, Rule
from portal.legacy.source import Source
from portal.legacy.values import Adapter, subject, text
from resolvers.changes import Change, Create
from resolvers.writes import Writer

HIGHEST_ID = 2**31 - 1_000_001  # ids are 32 bits wide; this leaves room for the rows of the portal

M = TypeVar("M", User, Group, WebApp)


@dataclass(frozen=True, slots=True)
class Run:
    """What all steps share. `groups` and `webapps` are rows of the portal by their source ids."""

    source: Source
    release: Release
    report: Report
    writer: Writer
    webapps: dict[int, WebApp] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the source in the terms of the portal.

    values: columns. initial: columns that change in daily use, so a later import ignores them.
    links: ids or texts that the row is connected with, by the title of their table in the report.
    decider: the source id of the user who has decided about the access of this one.
    """

    source_id: int
    adapter: Adapter
    values: Mapping[str, Any]
    initial: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, Collection[Any]] = field(default_factory=dict)
    decider: int | None = None


class Step(Generic[M]):
    """Imports the rows of one table.

    noun: the name of a row in the report.
    name: the column that is unique in the portal.
    known: the ids in the portal of all rows that were ever imported, by their source ids.
    """

    model: type[M]
    kind: ClassVar[LegacyKind]
    table: ClassVar[str]
    title: ClassVar[str]
    noun: ClassVar[str]
    name: ClassVar[str] = "name"

    def __init__(self, run: Run) -> None:
        self.run = run
        self.counts = run.report.table(self.title)
        self.known: dict[int, int] = {}
        self._taken_ids: set[int] = set()
        self._free_ids = count(1)
        self._taken_names: set[str] = set()
        self._requested_names: set[str] = set()

    @staticmethod
    def name_key(name: str) -> str:
        """The form in which a name is unique."""
        return name

    async def prepare(self) -> int:
        """Reads which ids and names are taken. Returns the number of rows in the source."""
        rows = await self.run.source.rows(
            f'SELECT "id", "{self.name}" AS "name" FROM "{self.table}"'
        )
        imported = LegacyRow.filter(kind=self.kind).order_by("source_id")
        self.known = dict(await imported.values_list("source_id", "target_id"))
        names: dict[int, str] = dict(await self.model.all().values_list("id", self.name))
        self._taken_names = set(map(self.name_key, names.values()))
        self._requested_names = {self.name_key(text(row["name"]).strip()) for row in rows}
        # An id of the mapping is taken for ever, so that no other row is mistaken for its row
        self._taken_ids = {*names, *self.known.values()}
        ids = {row["id"] for row in rows}
        used = self._taken_ids | {source_id for source_id in ids if source_id <= HIGHEST_ID}
        self._free_ids = count(max(used, default=0) + 1)
        for source_id in self.known.keys() - ids:
            if name := names.get(self.known[source_id]):
                label = subject(self.noun, source_id, name)
                self.run.report.note(Rule.DELETED_IN_SOURCE, label)
        return len(rows)

    async def take(self, records: Sequence[Record]) -> dict[int, M]:
        """Writes one batch. Returns its rows in the portal by their source ids."""
        self.counts.source += len(records)
        known_ids = [self.known[one.source_id] for one in records if one.source_id in self.known]
        present = {row.id: row for row in await self.present_rows(known_ids)}
        links = await self.present_links(present)
        rows: dict[int, M] = {}
        created: list[tuple[Record, M]] = []
        for record in records:
            target_id = self.known.get(record.source_id)
            if target_id is None:
                rows[record.source_id] = self._new_row(record)
                created.append((record, rows[record.source_id]))
            elif target_id in present:
                rows[record.source_id] = present[target_id]
                self._compare(record, present[target_id], links)
            else:
                record.adapter.note(Rule.DELETED_IN_PORTAL)
        await self._write(created, rows)
        return rows

    async def present_rows(self, ids: Iterable[int]) -> list[M]:
        return await self.model.filter(id__in=list(ids))

    async def present_links(self, rows: Mapping[int, M]) -> Mapping[str, Mapping[int, set[Any]]]:
        """What the rows are connected with in the portal, by title and the id of the row."""
        return {}

    def present_values(self, row: M, columns: Collection[str]) -> dict[str, Any]:
        return {column: getattr(row, column) for column in columns}

    def columns(self, record: Record) -> dict[str, Any]:
        """The columns of a new row."""
        return {**record.values, **record.initial}

    def connect(self, record: Record, row: M, rows: Mapping[int, M]) -> Iterator[Change]:
        """The changes that follow the creation of a row. `rows` are those of the batch."""
        yield from ()

    async def _write(self, created: Sequence[tuple[Record, M]], rows: Mapping[int, M]) -> None:
        changes: list[Change] = [
            Create(row, at=(record.adapter.subject,)) for record, row in created
        ]
        for record, row in created:
            changes += self.connect(record, row, rows)
        await self.run.writer.write(changes)
        await LegacyRow.bulk_create(
            [
                LegacyRow(kind=self.kind, source_id=record.source_id, target_id=row.id)
                for record, row in created
            ]
        )
        self.counts.created += len(created)

    def _new_row(self, record: Record) -> M:
        row_id, name = record.source_id, self._unused_name(record.values[self.name])
        if row_id > HIGHEST_ID or row_id in self._taken_ids:
            row_id = next(self._free_ids)
            record.adapter.note(Rule.ID_TAKEN, f"now {row_id}")
        if name != record.values[self.name]:
            record.adapter.note(Rule.NAME_TAKEN, f"now {name}")
        self.known[record.source_id] = row_id
        row: M = self.model(id=row_id, **self.columns(record) | {self.name: name})
        return row

    def _unused_name(self, name: str) -> str:
        """The name, or the name with a suffix that no other row has or requests."""
        limit = self.model._meta.fields_map[self.name].max_length  # type: ignore[attr-defined]
        unused, numbers = name, count(2)
        while self.name_key(unused) in self._taken_names or (
            unused != name and self.name_key(unused) in self._requested_names
        ):
            suffix = f"-{next(numbers)}"
            unused = f"{name[: limit - len(suffix)]}{suffix}"
        self._taken_names.add(self.name_key(unused))
        return unused

    def _compare(self, record: Record, row: M, links: Mapping[str, Mapping[int, set[Any]]]) -> None:
        self.counts.known += 1
        present = self.present_values(row, record.values.keys())
        different = [name for name, value in record.values.items() if present[name] != value]
        for title, linked in record.links.items():
            common = links[title].get(row.id, set()) & set(linked)
            self.run.report.table(title).known += len(common)
            if links[title].get(row.id, set()) != set(linked):
                different.append(title)
        if different:
            self.counts.different += 1
            record.adapter.note(Rule.DIFFERENT, ", ".join(different))


async def linked(
    model: type[Model], owner: str, member: str, ids: Iterable[int]
) -> dict[int, set[Any]]:
    """What rows of a connecting table lead to, by the id of their owner."""
    found: dict[int, set[Any]] = {}
    rows = model.filter(**{f"{owner}__in": list(ids)})
    for owner_id, linked_to in await rows.values_list(owner, member):
        found.setdefault(owner_id, set()).add(linked_to)
    return found
