"""How large operations and fragments are: each is read once, however often it is spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from graphql import (
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)

Path: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class Measure:
    """`places` counts the fields that share a place in the answer."""

    fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    mutations: int = 0
    places: Counter[Path] = field(default_factory=Counter)

    @property
    def repeats(self) -> int:
        """The pairs that are compared to see whether they fit each other."""
        return sum(count * (count - 1) // 2 for count in self.places.values())

    def add_field(self, node: FieldNode, path: Path) -> None:
        self.fields += 1
        self.depth = max(self.depth, len(path))
        self.aliases += node.alias is not None
        self.places[path] += 1
        if len(path) == 1:
            self.root_fields += 1
            self.mutations += not node.name.value.startswith("__")

    def add_fragment(self, fragment: Measure, parent: Path, *, with_names: bool) -> None:
        """`parent` is the field within which the fragment is spread."""
        self.fields += fragment.fields
        self.depth = max(self.depth, len(parent) + fragment.depth)
        self.aliases += fragment.aliases
        self.directives += fragment.directives
        if not parent:
            self.root_fields += fragment.root_fields
            self.mutations += fragment.mutations
        if with_names:
            for path, count in fragment.places.items():
                self.places[parent + path] += count


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
        open_sets: list[tuple[SelectionSetNode, Path]] = [(definition.selection_set, ())]
        while open_sets:
            selection_set, parent = open_sets.pop()
            for selection in selection_set.selections:
                inner = self._add(total, selection, parent)
                if inner is not None:
                    open_sets.append(inner)
        return total

    def _add(
        self, total: Measure, selection: SelectionNode, parent: Path
    ) -> tuple[SelectionSetNode, Path] | None:
        """The selection set within and the field that it belongs to."""
        total.directives += len(selection.directives or ())
        if isinstance(selection, FieldNode):
            path = (*parent, (selection.alias or selection.name).value)
            total.add_field(selection, path)
            return (selection.selection_set, path) if selection.selection_set else None
        if isinstance(selection, InlineFragmentNode):
            return selection.selection_set, parent
        if isinstance(selection, FragmentSpreadNode):
            fragment = self._fragments.get(selection.name.value)
            if fragment is not None:
                room = self._most_fields - total.fields
                total.add_fragment(fragment, parent, with_names=fragment.fields <= room)
        return None


def _directives(definition: ExecutableDefinitionNode) -> int:
    return len(definition.directives or ()) + sum(
        len(variable.directives or ()) for variable in definition.variable_definitions or ()
    )
