"""Limits of documents and operations, and the error that names an exceeded one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
)
from graphql.language.ast import QUERY_DOCUMENT_KEYS

from resolvers.errors import ErrorCode

# Larger JSON numbers lose precision in JavaScript
LARGEST = 2**53 - 1
SUBJECTS = {
    "tokens": "The document has at least {found} tokens",
    "values": "The arguments or variables hold at least {found} values",
    "fields": "The operation selects {found} fields",
    "depth": "The operation nests fields {found} levels deep",
    "aliases": "The operation has {found} aliases",
    "directives": "The operation has {found} directives",
    "repeats": "The operation has {found} pairs of fields with the same place in the result",
    "mutations": "The operation has {found} mutations",
    "cost": "The operation costs {found}",
}


def limit_error(limit: str, found: int, maximum: int) -> GraphQLError:
    shown = min(found, LARGEST)
    subject = SUBJECTS[limit].format(found=shown)
    return GraphQLError(
        f"{subject}; at most {maximum} are allowed.",
        extensions={
            "code": ErrorCode.LIMIT_EXCEEDED.value,
            "limit": limit,
            "found": shown,
            "maximum": maximum,
        },
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """A fragment counts wherever it is spread.

    tokens: names, punctuators and values of a document, and its comments.
    values: values in the arguments of a document, and in the variables of a request.
    fields: fields that an operation selects.
    depth: levels of nested fields.
    aliases: fields with an alias.
    directives: directives of an operation.
    repeats: pairs of fields with the same place in the result, which validation compares.
    mutations: mutations of an operation.
    cost: fields that the result may hold, as far as that is known before the operation runs.
    list_size: the assumed number of items of a list without pages.
    errors: validation errors that are reported for a document.
    time: duration of an operation; of a subscription, until it starts.
    """

    tokens: int = 2_000
    values: int = 500
    fields: int = 500
    depth: int = 20
    aliases: int = 30
    directives: int = 50
    repeats: int = 2_000
    mutations: int = 1
    cost: int = 50_000
    list_size: int = 100
    errors: int = 20
    time: timedelta = timedelta(seconds=10)


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def variable_values(variables: Mapping[str, Any], enough: int) -> int:
    """The number of values; not counted much further than `enough`."""
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


def exceeded_limits(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """The exceeded limits of the first definition that exceeds any.

    All of this takes time linear in the size of the document. The rules of graphql-core do not:
    some of them expand fragments where they are spread, or compare each field with each other one.
    """
    values = sum(isinstance(node, ValueNode) for node in _nodes(document))
    if values > limits.values:
        return [limit_error("values", values, limits.values)]
    fragments = fragments_of(document)
    try:
        sizes = Sizes(fragments, limits.fields)
    except CycleError as error:
        return [_cycle_error(error)]
    # Fragments that are not spread count as well, as some validation rules read them
    for definition in document.definitions:
        if isinstance(definition, ExecutableDefinitionNode):
            errors = _exceeded(definition, sizes.of(definition), limits)
            if errors:
                return errors
    return []


Path: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class Size:
    """The size of a definition. `places` counts the fields with the same path in the result."""

    fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    mutations: int = 0
    places: Counter[Path] = field(default_factory=Counter)

    @property
    def repeats(self) -> int:
        return sum(count * (count - 1) // 2 for count in self.places.values())

    def add_field(self, node: FieldNode, path: Path) -> None:
        self.fields += 1
        self.depth = max(self.depth, len(path))
        self.aliases += node.alias is not None
        self.mutations += len(path) == 1 and not node.name.value.startswith("__")
        self.places[path] += 1

    def add_fragment(self, fragment: Size, parent: Path, *, with_places: bool) -> None:
        """`parent` is the path of the field that the fragment is spread in."""
        self.fields += fragment.fields
        self.depth = max(self.depth, len(parent) + fragment.depth)
        self.aliases += fragment.aliases
        self.directives += fragment.directives
        self.mutations += 0 if parent else fragment.mutations
        if with_places:
            for path, count in fragment.places.items():
                self.places[parent + path] += count


class Sizes:
    """Computes sizes, of each fragment once. Raises CycleError where fragments form a cycle.

    A chain of fragments may expand to exponentially many paths. They are only counted for up to
    `most_fields` fields, as an operation with more of them is rejected anyway.
    """

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], most_fields: int) -> None:
        self._most_fields = most_fields
        self._fragments: dict[str, Size] = {}
        spreads = {name: set(_spreads(node)) for name, node in fragments.items()}
        for name in TopologicalSorter(spreads).static_order():
            if name in fragments:
                self._fragments[name] = self.of(fragments[name])

    def of(self, definition: ExecutableDefinitionNode) -> Size:
        total = Size(directives=_directives(definition))
        # Not recursive: inline fragments nest deeper than Python's stack
        open_sets: list[tuple[SelectionSetNode, Path]] = [(definition.selection_set, ())]
        while open_sets:
            selection_set, parent = open_sets.pop()
            for selection in selection_set.selections:
                inner = self._add(total, selection, parent)
                if inner is not None:
                    open_sets.append(inner)
        return total

    def _add(
        self, total: Size, selection: SelectionNode, parent: Path
    ) -> tuple[SelectionSetNode, Path] | None:
        """Returns the selection set within, with the path of its field."""
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
                total.add_fragment(fragment, parent, with_places=fragment.fields <= room)
        return None


def _exceeded(
    definition: ExecutableDefinitionNode, size: Size, limits: Limits
) -> list[GraphQLError]:
    names = ["fields", "depth", "aliases", "directives", "repeats"]
    if _is_mutation(definition):
        names.append("mutations")
    found = {name: (getattr(size, name), getattr(limits, name)) for name in names}
    return [
        limit_error(name, number, maximum)
        for name, (number, maximum) in found.items()
        if number > maximum
    ]


def _is_mutation(definition: ExecutableDefinitionNode) -> bool:
    return (
        isinstance(definition, OperationDefinitionNode)
        and definition.operation is OperationType.MUTATION
    )


def _spreads(fragment: FragmentDefinitionNode) -> Iterator[str]:
    return (node.name.value for node in _nodes(fragment) if isinstance(node, FragmentSpreadNode))


def _nodes(root: Node) -> Iterator[Node]:
    """The node and all nodes below it, in no particular order."""
    open_nodes = [root]
    while open_nodes:
        node = open_nodes.pop()
        yield node
        for key in QUERY_DOCUMENT_KEYS.get(node.kind, ()):
            child = getattr(node, key)
            if isinstance(child, Node):
                open_nodes.append(child)
            elif child:
                open_nodes.extend(child)


def _directives(definition: ExecutableDefinitionNode) -> int:
    return len(definition.directives or ()) + sum(
        len(variable.directives or ()) for variable in definition.variable_definitions or ()
    )


def _cycle_error(error: CycleError) -> GraphQLError:
    cycle = ", ".join(reversed(error.args[1]))
    return GraphQLError(
        f"Fragments spread each other in a cycle: {cycle}.",
        extensions={"code": ErrorCode.GRAPHQL_VALIDATION_FAILED.value},
    )
