"""What applying a declaration does; each change knows its line of the diff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tortoise.models import Model

from models import Group, User, WebApp


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
    """`signed_out` is the row where so many sessions of a user are ended."""

    sign = "~"
    row: Model
    before: Mapping[str, Any]
    values: Mapping[str, Any]
    signed_out: User | None
    sessions: int


@dataclass(frozen=True, slots=True)
class Ends:
    """What a link is between: a user in a group, a web app for one, a user and an address."""

    subject: User | WebApp
    other: Group | str


@dataclass(frozen=True, slots=True)
class Linked(Change):
    """A row between others; it can be built once those have their keys."""

    sign = "+"
    ends: Ends
    name: str
    build: Callable[[str], Model]


@dataclass(frozen=True, slots=True)
class Unlinked(Change):
    sign = "-"
    ends: Ends
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
