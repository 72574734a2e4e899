"""What hostile requests are made of."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies
from hypothesis.strategies import SearchStrategy

from schema.relay import global_id

TYPES = ("User", "Group", "WebApp", "Session", "PersonalAccessToken", "Nothing")

# Numbers and ids of what is there, as chance would hardly find them
KNOWN = strategies.integers(0, 12)
INTEGERS = KNOWN | strategies.integers(-(2**31), 2**31 - 1) | strategies.integers()
IDS = strategies.text() | strategies.builds(global_id, strategies.sampled_from(TYPES), KNOWN)

SCALARS = (
    strategies.none()
    | strategies.booleans()
    | INTEGERS
    | strategies.floats()
    | strategies.text()
    | IDS
)
JSON: SearchStrategy[Any] = strategies.recursive(
    SCALARS,
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=8,
)

# Of a header: what HTTP lets through
OCTETS = [*range(0x20, 0x7F), *range(0x80, 0x100)]
LINES = strategies.lists(strategies.sampled_from(OCTETS), max_size=60).map(bytes).map(bytes.strip)


def encoded(value: object) -> bytes:
    """As JSON, or as what Python takes for it: NaN, halves of surrogate pairs, huge numbers."""
    return json.dumps(value).encode()
