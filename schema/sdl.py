"""The schema as text, in alphabetical order: what is added to it is one change in one place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter
from typing import TypeVar

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    parse,
    print_ast,
    specified_directives,
)

N = TypeVar("N")

SPECIFIED = {directive.name for directive in specified_directives}


def sorted_sdl(sdl: str) -> str:
    """The same, without the definitions of GraphQL's own directives."""
    document = parse(sdl)
    ours = [node for node in document.definitions if not _is_specified(node)]
    return f"{print_ast(replace(document, definitions=tuple(map(_sorted, ours))))}\n"


def _is_specified(node: DefinitionNode) -> bool:
    return isinstance(node, DirectiveDefinitionNode) and node.name.value in SPECIFIED


def _sorted(node: DefinitionNode) -> DefinitionNode:
    """Arguments keep the order in which they are best read."""
    if isinstance(node, EnumTypeDefinitionNode):
        return replace(node, values=_by_name(node.values))
    if isinstance(node, InputObjectTypeDefinitionNode):
        return replace(node, fields=_by_name(node.fields))
    if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        return replace(node, fields=_by_name(node.fields))
    return node


def _by_name(nodes: Iterable[N] | None) -> tuple[N, ...]:
    return tuple(sorted(nodes or (), key=attrgetter("name.value")))
