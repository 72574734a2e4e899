"""Notes what differs between declared and stored things."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tortoise.models import Model

from models import User
from portal.declared import words
from portal.declared.changes import Added, Change, Changed, Ends, Linked, Unlinked
from portal.logs import printable

SECRETS = ("password_hash", "declared_password_hash")


class Ledger:
    """The changes in the order in which people read them."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def put(
        self,
        label: str,
        row: Model,
        given: Mapping[str, Any],
        notes: Iterable[str] = (),
        signed_out: User | None = None,
        sessions: int = 0,
    ) -> None:
        """A row that is to have the given values; it is new when it has no key yet."""
        values = {name: value for name, value in given.items() if getattr(row, name) != value}
        shown = {name: value for name, value in values.items() if name not in SECRETS}
        if row.pk is None:
            details = [f"{words.field(name)} {words.value(v)}" for name, v in shown.items()]
            self.changes.append(Added(_text(label, *details, *notes), row, values))
        elif values:
            details = [
                f"{words.field(name)} {words.value(getattr(row, name))} → {words.value(v)}"
                for name, v in shown.items()
            ]
            text = _text(label, *details, *notes)
            before = {name: getattr(row, name) for name in values}
            self.changes.append(Changed(text, row, before, values, signed_out, sessions))

    def link(
        self,
        text: Callable[[str], str],
        linked: Mapping[str, Model],
        wanted: Sequence[str],
        ends: Callable[[str], Ends],
        build: Callable[[str], Model],
    ) -> None:
        """Names that are to be linked and no others; `linked` are the rows that do it now."""
        for name in sorted(linked.keys() - set(wanted)):
            self.changes.append(Unlinked(printable(text(name)), ends(name), linked[name]))
        for name in wanted:
            if name not in linked:
                self.changes.append(Linked(printable(text(name)), ends(name), name, build))


def _text(label: str, *details: str) -> str:
    return printable(label) + (f": {', '.join(details)}" if details else "")
