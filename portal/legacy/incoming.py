from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from models import LegacyRow
from portal.legacy.texts import Texts


@dataclass(frozen=True, slots=True)
class Incoming:
    """A row there in the words of the models here.

    values: to be kept the same as there.
    born: of a new row only.
    sets: the ids here, or the texts, of what the row has any number of.
    mark: what nobody can change there: another one under the same id means another portal.
    answered_by: the id there of who has decided about a user's access.
    """

    source_id: int
    texts: Texts
    values: dict[str, Any]
    born: dict[str, Any] = field(default_factory=dict)
    sets: dict[str, set[Any]] = field(default_factory=dict)
    mark: str = ""
    answered_by: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """An incoming row and the id it has here; `remembered` is None for a new one.

    kept: the names of values that were changed on both sides.
    named: the name that it has got this time.
    """

    incoming: Incoming
    target_id: int
    remembered: LegacyRow | None = None
    kept: tuple[str, ...] = ()
    named: str | None = None

    def before(self, name: str) -> Sequence[str]:
        """The fingerprints of a set, as it was the last time."""
        return self.remembered.values.get(name, ()) if self.remembered else ()
