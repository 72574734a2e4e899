"""Whether a document keeps to the limits, asked before the rules that are not linear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
)

from schema.limits.excess import excess
from schema.limits.fragments import fragments_of, in_order
from schema.limits.limits import Limits
from schema.limits.measure import Measure, Ruler
from schema.limits.nodes import nodes_of
from schema.limits.values import longest_number, values_among


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
