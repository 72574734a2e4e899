"""A page for client developers, as a list of what is sent and what comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ASKING = {"graphql", "http"}
ANYTHING = "…"


@dataclass(frozen=True, slots=True)
class Example:
    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Message:
    """Of HTTP, as it stands on the wire."""

    start: str
    headers: dict[str, str]
    body: str


def examples(page: Path) -> Iterator[Example]:
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield Example(found[1], found[2], text.count("\n", 0, found.start()) + 2)


def exchanges(page: Path) -> Iterator[tuple[Example, Example | None]]:
    """What is asked, each with the answer behind it; a conversation has both in one."""
    rest = examples(page)
    for example in rest:
        if example.language in ASKING:
            yield example, next(rest)
        elif example.language == "websocket":
            yield example, None


def message(text: str) -> Message:
    head, _, body = text.partition("\n\n")
    start, *lines = head.splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    return Message(start, headers, body)


def fits(expected: Any, actual: Any) -> bool:
    """Equality, in which `…` stands for anything."""
    if expected == ANYTHING:
        return True
    if isinstance(expected, dict) and isinstance(actual, dict):
        same_names = expected.keys() == actual.keys()
        return same_names and all(fits(value, actual[name]) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(fits, expected, actual))
    return bool(expected == actual)
