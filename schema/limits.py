"""How many values arguments and variables hold, with everything within them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
)
from graphql.language.ast import QUERY_DOCUMENT_KEYS

from resolvers.errors import ErrorCode

# JSON numbers beyond this are not exact everywhere
LARGEST = 2**53 - 1
SUBJECTS = {
    "characters": "The document has {found} characters",
    "tokens": "The document has at least {found} tokens",
    "definitions": "The document has {found} operations and fragments",
    "fields": "The operation selects {found} fields",
    "repeats": "The operation has {found} pairs of fields that share a place in the answer",
    "depth": "The operation nests fields {found} levels deep",
    "aliases": "The operation has {found} aliases",
    "directives": "The operation has {found} directives",
    "rootFields": "The operation selects {found} fields at its root",
    "mutations": "The operation makes {found} changes",
    "values": "The arguments or variables hold at least {found} values",
    "digits": "A number of the document has {found} characters",
    "introspection": "The operation reads at least {found} fields of the schema",
    "cost": "The operation costs {found}",
}


def excess(limit: str, found: int, maximum: int) -> GraphQLError:
    """The error that names a limit which is exceeded."""
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
    """What a document and an operation may ask for. A fragment counts wherever it is spread.

    characters: the length of a document.
    tokens: the names, signs and values of a document, and its comments.
    definitions: the operations and fragments of a document.
    fields: the fields that an operation selects.
    repeats: the pairs among fields of an operation that share a place in its answer.
    depth: how deep the fields of an operation are nested.
    aliases: the fields that an operation renames.
    directives: the directives of an operation.
    root_fields: the fields that an operation selects at its root.
    mutations: the changes that an operation makes.
    values: the values within the arguments of a document, and within the variables of a request.
    digits: the length of a number that is written in a document.
    cost: the fields that the answer may hold, as far as that is known before.
    introspection: those of them that describe the schema.
    list_size: how many items are expected of a list that has no pages.
    errors: how many problems of a document are told.
    time: how long an operation may take; a subscription, until it begins.
    """

    characters: int = 100_000
    tokens: int = 2_000
    definitions: int = 75
    fields: int = 500
    repeats: int = 2_000
    depth: int = 20
    aliases: int = 30
    directives: int = 50
    root_fields: int = 20
    mutations: int = 1
    values: int = 500
    digits: int = 40
    cost: int = 50_000
    introspection: int = 12_000
    list_size: int = 100
    errors: int = 20
    time: timedelta = timedelta(seconds=10)


def nodes_of(document: DocumentNode) -> Iterator[Node]:
    """Every node of the operations and fragments of a document, in any order."""
    open_nodes: list[Node] = [document]
    while open_nodes:
        node = open_nodes.pop()
        yield node
        for key in QUERY_DOCUMENT_KEYS.get(node.kind, ()):
            child = getattr(node, key)
            if isinstance(child, Node):
                open_nodes.append(child)
            elif child:
                open_nodes.extend(child)


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def in_order(fragments: dict[str, FragmentDefinitionNode]) -> tuple[str, ...]:
    """Names of fragments, each behind those that it spreads. Raises GraphQLError for a circle."""
    spreads = {name: list(_spreads(node.selection_set)) for name, node in fragments.items()}
    try:
        return tuple(TopologicalSorter(spreads).static_order())
    except CycleError as error:
        circle = ", ".join(reversed(error.args[1]))
        raise GraphQLError(
            f"Fragments spread each other in a circle: {circle}.",
            extensions={"code": ErrorCode.GRAPHQL_VALIDATION_FAILED.value},
        ) from None


def _spreads(selection_set: SelectionSetNode) -> Iterator[str]:
    open_sets = [selection_set]
    while open_sets:
        for selection in open_sets.pop().selections:
            if isinstance(selection, FragmentSpreadNode):
                yield selection.name.value
                continue
            inner: SelectionSetNode | None = getattr(selection, "selection_set", None)
            if inner:
                open_sets.append(inner)


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


def exceeded(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """What is too large, of the first definition where something is; empty when nothing is."""
    nodes = list(nodes_of(document))
    found = {
        "definitions": (len(document.definitions), limits.definitions),
        "values": (values_among(nodes), limits.values),
        "digits": (longest_number(nodes), limits.digits),
    }
    if any(number > maximum for number, maximum in found.values()):
        return _excesses(found)
    try:
        return next(filter(None, _by_definition(document, limits)), [])
    except GraphQLError as circle:
        return [circle]


def _by_definition(document: DocumentNode, limits: Limits) -> Iterator[list[GraphQLError]]:
    """Also of fragments, which some rules read even where they are not spread."""
    fragments = fragments_of(document)
    ruler = Ruler(limits.fields)
    ruler.measure_fragments(fragments, in_order(fragments))
    for definition in document.definitions:
        if isinstance(definition, ExecutableDefinitionNode):
            yield _excesses(_found(definition, ruler.measure(definition), limits))


def _excesses(found: Mapping[str, tuple[int, int]]) -> list[GraphQLError]:
    return [
        excess(name, number, maximum)
        for name, (number, maximum) in found.items()
        if number > maximum
    ]


def _found(
    definition: ExecutableDefinitionNode, measure: Measure, limits: Limits
) -> dict[str, tuple[int, int]]:
    """What there is and how much of it may be, by the names of the limits."""
    found = {
        "fields": (measure.fields, limits.fields),
        "depth": (measure.depth, limits.depth),
        "aliases": (measure.aliases, limits.aliases),
        "directives": (measure.directives, limits.directives),
        "repeats": (measure.repeats, limits.repeats),
    }
    if not isinstance(definition, OperationDefinitionNode):
        return found
    if definition.operation is OperationType.MUTATION:
        return found | {"mutations": (measure.mutations, limits.mutations)}
    return found | {"rootFields": (measure.root_fields, limits.root_fields)}
