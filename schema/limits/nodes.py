from __future__ import annotations

from collections.abc import Iterator

from graphql import DocumentNode, Node
from graphql.language.ast import QUERY_DOCUMENT_KEYS


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
