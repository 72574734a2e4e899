from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    SelectionSetNode,
)

from resolvers.errors import ErrorCode


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
