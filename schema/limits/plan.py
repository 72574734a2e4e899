"""What is known about a document before anybody runs it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    OperationType,
)

from schema.limits.introspection import INTROSPECTION
from schema.limits.nodes import nodes_of
from schema.limits.price import Price
from schema.limits.pricing import Pricing


@dataclass(frozen=True, slots=True)
class Plan:
    """`introspects`: whether the document reads the schema."""

    kind: OperationType
    price: Price
    introspects: bool


class Plans:
    """The plans of operations, made once per document and kept for as long as it is."""

    def __init__(self, schema: GraphQLSchema, list_size: int) -> None:
        self._schema = schema
        self._list_size = list_size
        # Documents are equal when their contents are, which takes long to find out
        self._known: dict[int, dict[str | None, Plan]] = {}

    def find(self, document: DocumentNode, operation_name: str | None) -> Plan | None:
        """None where the name does not say which operation of a valid document is meant."""
        known = self._known.get(id(document))
        if known is None:
            known = self._known[id(document)] = self._read(document)
            weakref.finalize(document, self._known.pop, id(document)).atexit = False
        return known.get(operation_name)

    def _read(self, document: DocumentNode) -> dict[str | None, Plan]:
        introspects = any(map(_reads_the_schema, nodes_of(document)))
        plans: dict[str | None, Plan] = {
            node.name.value if node.name else None: Plan(
                node.operation,
                Pricing(self._schema, document, self._list_size).price(node),
                introspects,
            )
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        if len(plans) == 1:
            plans[None] = next(iter(plans.values()))
        return plans


def _reads_the_schema(node: Node) -> bool:
    return isinstance(node, FieldNode) and node.name.value in INTROSPECTION
