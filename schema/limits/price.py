"""What an operation costs at most: the number of fields that its answer may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import IntValueNode, ValueNode, VariableNode

from resolvers.pages import MAXIMUM_PAGE

Variables: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Argument:
    """The value of `first` or `last`: `fixed`, unless a variable has one."""

    variable: str | None
    fixed: Any

    @classmethod
    def of(cls, node: ValueNode, defaults: Variables) -> Argument:
        if isinstance(node, VariableNode):
            name = node.name.value
            return cls(name, defaults.get(name))
        return cls(None, literal(node))

    def value(self, variables: Variables) -> Any:
        return self.fixed if self.variable is None else variables.get(self.variable, self.fixed)


@dataclass(frozen=True, slots=True)
class PageSize:
    """How many items a page has at most; what is no size gives the largest page, or an error."""

    arguments: tuple[Argument, ...]

    def of(self, variables: Variables) -> int:
        given = (argument.value(variables) for argument in self.arguments)
        sizes = [_size(value) for value in given if value is not None]
        return max(sizes, default=MAXIMUM_PAGE)

    @property
    def is_fixed(self) -> bool:
        return all(argument.variable is None for argument in self.arguments)


@dataclass(frozen=True, slots=True)
class Price:
    """`fixed`, and what depends on the variables: the items of pages."""

    fixed: int = 0
    pages: tuple[tuple[PageSize, Price], ...] = ()

    def of(self, variables: Variables) -> int:
        total = self.fixed
        for size, item in self.pages:
            total += size.of(variables) * item.of(variables)
        return total

    def __add__(self, other: Price) -> Price:
        return Price(self.fixed + other.fixed, self.pages + other.pages)

    def times(self, count: int) -> Price:
        pages = tuple((size, item.times(count)) for size, item in self.pages)
        return Price(self.fixed * count, pages)

    def paged(self, size: PageSize) -> Price:
        return self.times(size.of({})) if size.is_fixed else Price(pages=((size, self),))


def literal(node: ValueNode | None) -> Any:
    """The number that is written; None for nothing or null, and the text of anything else."""
    if isinstance(node, IntValueNode) and len(node.value) <= len(str(MAXIMUM_PAGE)):
        return int(node.value)
    return getattr(node, "value", None)


def _size(value: Any) -> int:
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAXIMUM_PAGE
    return value if known else MAXIMUM_PAGE
