"""How many values arguments and variables hold, with everything within them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphql import FloatValueNode, IntValueNode, Node, ValueNode


def values_among(nodes: Iterable[Node]) -> int:
    """Those of arguments, of defaults, and each place where a variable stands."""
    return sum(isinstance(node, ValueNode) for node in nodes)


def longest_number(nodes: Iterable[Node]) -> int:
    """How many characters it is written with."""
    numbers = (node for node in nodes if isinstance(node, IntValueNode | FloatValueNode))
    return max((len(number.value) for number in numbers), default=0)


def values_in_variables(variables: Mapping[str, Any], enough: int) -> int:
    """Their number; where it is larger than `enough`, anything above that."""
    count = 0
    open_values: list[Any] = [variables]
    while open_values and count <= enough:
        value = open_values.pop()
        if isinstance(value, Mapping):
            value = list(value.values())
        if isinstance(value, list):
            count += len(value)
            open_values.extend(value)
    return count
