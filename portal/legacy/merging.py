"""Tells what was changed there from what was changed here, by what was there the last time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from models.fingerprints import fingerprint

V = TypeVar("V")

Remembered = dict[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Merged:
    """Values to take over, and the names of those that were changed on both sides."""

    changes: dict[str, Any]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MergedSet(Generic[V]):
    """What to add and to remove here; `kept_out` was removed here and stays so."""

    new: list[V]
    gone: list[V]
    same: list[V]
    kept_out: list[V]


def merge(theirs: Mapping[str, Any], remembered: Remembered, ours: Mapping[str, str]) -> Merged:
    """`ours` are fingerprints, as the remembered ones."""
    changes: dict[str, Any] = {}
    kept: list[str] = []
    for name, value in theirs.items():
        wanted, present = fingerprint(value), ours[name]
        before = remembered.get(name, present)
        if wanted in (before, present):
            continue
        if present == before:
            changes[name] = value
        else:
            kept.append(name)
    return Merged(changes, tuple(kept))


def merge_set(theirs: Iterable[V], remembered: Iterable[str], ours: Iterable[V]) -> MergedSet[V]:
    there = {fingerprint(value): value for value in theirs}
    here = {fingerprint(value): value for value in ours}
    before = set(remembered)
    return MergedSet(
        new=[there[key] for key in there if key not in before and key not in here],
        gone=[here[key] for key in here if key in before and key not in there],
        same=[there[key] for key in there if key in here],
        kept_out=[there[key] for key in there if key in before and key not in here],
    )


def remember(
    values: Mapping[str, Any],
    sets: Mapping[str, Iterable[Any]],
    former: Remembered,
    kept: Iterable[str],
) -> Remembered:
    """What to remember of a row; a conflict stays one until somebody settles it."""
    remembered: Remembered = {name: fingerprint(value) for name, value in values.items()}
    remembered |= {name: former[name] for name in kept}
    return remembered | {name: sorted(map(fingerprint, members)) for name, members in sets.items()}
