"""What is different between two schemas, and how much of it clients feel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from graphql import (
    BreakingChange,
    DangerousChange,
    FieldDefinitionNode,
    GraphQLSchema,
    SchemaChange,
    TypeDefinitionNode,
    find_schema_changes,
    print_ast,
)

GUARD = "guard"


@dataclass(frozen=True, slots=True)
class Change:
    """`severity` is breaking, dangerous or safe, for clients of the old schema."""

    severity: str
    type: str
    description: str

    @property
    def breaks(self) -> bool:
        return self.severity == "breaking"


def changes_between(old: GraphQLSchema, new: GraphQLSchema) -> list[Change]:
    """The most serious ones come first."""
    found = [_change(change) for change in find_schema_changes(old, new)]
    return sorted([*found, *_changed_guards(old, new)], key=attrgetter("severity"))


def _change(change: SchemaChange) -> Change:
    return Change(_severity(change), change.type.name, change.description)


def _severity(change: SchemaChange) -> str:
    if isinstance(change, BreakingChange):
        return "breaking"
    return "dangerous" if isinstance(change, DangerousChange) else "safe"


def _changed_guards(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    """Clients may be refused what they were given before."""
    before, now = dict(_guards(old)), dict(_guards(new))
    for place, guard in now.items():
        if place in before and guard != before[place]:
            text = f"{place} had {before[place] or 'no guard'}, now it has {guard or 'none'}."
            yield Change("dangerous", "GUARD_CHANGED", text)


def _guards(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """The guard of each type and field that is written in the SDL, by its place."""
    for name, kind in schema.type_map.items():
        if kind.ast_node:
            yield name, _guard(kind.ast_node)
            for key, field in getattr(kind, "fields", {}).items():
                yield f"{name}.{key}", _guard(field.ast_node)


def _guard(node: TypeDefinitionNode | FieldDefinitionNode) -> str:
    guards = [each for each in node.directives or () if each.name.value == GUARD]
    return " ".join(map(print_ast, guards))
