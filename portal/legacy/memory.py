from __future__ import annotations

from collections.abc import Iterable, Sequence

from models import LegacyKind, LegacyRow
from models.fingerprints import fingerprint
from portal.legacy.incoming import Incoming, Taken
from portal.legacy.merging import Remembered, remember
from portal.legacy.mistakes import LegacyError

MARK = "mark"
ALLOTTED = "allotted"
UPDATE_BATCH = 500


class Memory:
    """What was taken over of one kind."""

    def __init__(self, kind: LegacyKind) -> None:
        self._kind = kind
        self._seen: set[int] = set()

    async def load(self, batch: Sequence[Incoming]) -> dict[int, LegacyRow]:
        """By the ids there. Raises LegacyError when they are those of another portal."""
        marks = {one.source_id: one for one in batch}
        self._seen |= marks.keys()
        rows = await LegacyRow.filter(kind=self._kind, source_id__in=list(marks))
        for row in rows:
            if row.values[MARK] != fingerprint(marks[row.source_id].mark):
                raise LegacyError(
                    f"{marks[row.source_id].texts.subject} was somebody else at the last import:"
                    " this is the database of another portal"
                )
        return {row.source_id: row for row in rows}

    async def write(self, taken: Sequence[Taken]) -> None:
        new: list[LegacyRow] = []
        changed: list[LegacyRow] = []
        for one in taken:
            incoming, row = one.incoming, one.remembered
            values = _values(one)
            if row is None:
                new.append(
                    LegacyRow(
                        kind=self._kind,
                        source_id=incoming.source_id,
                        target_id=one.target_id,
                        values=values,
                    )
                )
            elif values != row.values:
                row.values = values
                changed.append(row)
        await LegacyRow.bulk_create(new)
        if changed:
            await LegacyRow.bulk_update(changed, ["values"], batch_size=UPDATE_BATCH)

    async def of_targets(self, target_ids: Iterable[int]) -> list[LegacyRow]:
        return await LegacyRow.filter(kind=self._kind, target_id__in=list(target_ids))

    async def pairs(self) -> list[tuple[int, int]]:
        """The ids there and here of all that was ever taken over."""
        rows = LegacyRow.filter(kind=self._kind).order_by("source_id")
        pairs = await rows.values_list("source_id", "target_id")
        return [(source, target) for source, target in pairs]

    async def unseen(self) -> list[int]:
        """The ids here of rows that are no longer there."""
        return [target for source, target in await self.pairs() if source not in self._seen]

    async def targets(self, source_ids: Iterable[int]) -> dict[int, int]:
        """From ids there to ids here."""
        rows = LegacyRow.filter(kind=self._kind, source_id__in=list(source_ids))
        return dict(await rows.values_list("source_id", "target_id"))


def _values(one: Taken) -> Remembered:
    """The name that a row was given is remembered beside the one that it wanted."""
    former = one.remembered.values if one.remembered else {}
    values = remember(one.incoming.values, one.incoming.sets, former, one.kept)
    values[MARK] = fingerprint(one.incoming.mark)
    if one.named is not None:
        values[ALLOTTED] = fingerprint(one.named)
    elif ALLOTTED in former:
        values[ALLOTTED] = former[ALLOTTED]
    return values
