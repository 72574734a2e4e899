"""What applying a declaration does; each change knows its line of the diff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tortoise.models import Model

from models import User


@dataclass(frozen=True, slots=True)
class Change:
    sign: ClassVar[str]
    text: str

    def __str__(self) -> str:
        return f"{self.sign} {self.text}"


@dataclass(frozen=True, slots=True)
class Added(Change):
    """A new row and the values to give it; a service account among them may be new as well."""

    sign = "+"
    row: Model
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Changed(Change):
    sign = "~"
    row: Model
    values: Mapping[str, Any]
    signed_out: User | None


@dataclass(frozen=True, slots=True)
class Linked(Change):
    """A row between others; it can be built once those have their keys."""

    sign = "+"
    name: str
    build: Callable[[str], Model]


@dataclass(frozen=True, slots=True)
class Unlinked(Change):
    sign = "-"
    row: Model


def diff(changes: Sequence[Change], *, dry_run: bool) -> str:
    """For people: a line per change, and a summary."""
    if not changes:
        return "Nothing to change."
    counts = Counter(change.sign for change in changes)
    summary = f"{counts['+']} added, {counts['~']} changed, {counts['-']} removed."
    if dry_run:
        summary = f"Dry run, nothing was changed. It would be: {summary}"
    return "\n".join([*map(str, changes), summary])
