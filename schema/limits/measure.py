"""How large operations and fragments are: each is read once, however often it is spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from graphql import (
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)


@dataclass(slots=True)
class Measure:
    """`repeats` counts the names by the depth at which they stand."""

    fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    mutations: int = 0
    repeats: Counter[tuple[int, str]] = field(default_factory=Counter)

    def add_field(self, node: FieldNode, depth: int) -> None:
        name = (node.alias or node.name).value
        self.fields += 1
        self.depth = max(self.depth, depth)
        self.aliases += node.alias is not None
        self.repeats[depth, name] += 1
        if depth == 1:
            self.root_fields += 1
            self.mutations += not node.name.value.startswith("__")

    def add_fragment(self, fragment: Measure, depth: int, *, with_names: bool) -> None:
        """`depth` is where the fields of the fragment stand."""
        self.fields += fragment.fields
        self.depth = max(self.depth, depth - 1 + fragment.depth)
        self.aliases += fragment.aliases
        self.directives += fragment.directives
        if depth == 1:
            self.root_fields += fragment.root_fields
            self.mutations += fragment.mutations
        if with_names:
            for (level, name), count in fragment.repeats.items():
                self.repeats[depth - 1 + level, name] += count


class Ruler:
    """Measures definitions, of which fragments come before those that spread them.

    Beyond `most_fields` names are not told apart any more, so that all is done in linear time.
    """

    def __init__(self, most_fields: int) -> None:
        self._most_fields = most_fields
        self._fragments: dict[str, Measure] = {}

    def measure_fragments(
        self, fragments: Mapping[str, FragmentDefinitionNode], order: Iterable[str]
    ) -> None:
        for name in order:
            if name in fragments:
                self._fragments[name] = self.measure(fragments[name])

    def measure(self, definition: ExecutableDefinitionNode) -> Measure:
        total = Measure(directives=_directives(definition))
        open_sets: list[tuple[SelectionSetNode, int]] = [(definition.selection_set, 1)]
        while open_sets:
            selection_set, depth = open_sets.pop()
            for selection in selection_set.selections:
                inner = self._add(total, selection, depth)
                if inner is not None:
                    open_sets.append(inner)
        return total

    def _add(
        self, total: Measure, selection: SelectionNode, depth: int
    ) -> tuple[SelectionSetNode, int] | None:
        """The selection set within and the depth of its fields."""
        total.directives += len(selection.directives or ())
        if isinstance(selection, FieldNode):
            total.add_field(selection, depth)
            return (selection.selection_set, depth + 1) if selection.selection_set else None
        if isinstance(selection, InlineFragmentNode):
            return selection.selection_set, depth
        if isinstance(selection, FragmentSpreadNode):
            fragment = self._fragments.get(selection.name.value)
            if fragment is not None:
                room = self._most_fields - total.fields
                total.add_fragment(fragment, depth, with_names=fragment.fields <= room)
        return None


def _directives(definition: ExecutableDefinitionNode) -> int:
    return len(definition.directives or ()) + sum(
        len(variable.directives or ()) for variable in definition.variable_definitions or ()
    )
