"""What is different between two schemas, and how much of it clients feel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    BreakingChange,
    DangerousChange,
    FieldDefinitionNode,
    GraphQLInputObjectType,
    GraphQLSchema,
    SchemaChange,
    TypeDefinitionNode,
    find_schema_changes,
    print_ast,
)

GUARD = "guard"
SEVERITIES = ("breaking", "dangerous", "safe")


@dataclass(frozen=True, slots=True)
class Change:
    """`severity` is one of SEVERITIES, for clients of the old schema."""

    severity: str
    type: str
    description: str

    @property
    def breaks(self) -> bool:
        return self.severity == "breaking"


def changes_between(old: GraphQLSchema, new: GraphQLSchema) -> list[Change]:
    """The most serious ones come first."""
    found = [
        *(_change(change) for change in find_schema_changes(old, new)),
        *_changed_guards(old, new),
        *_changed_one_ofs(old, new),
        *_deprecations(old, new),
    ]
    return sorted(found, key=lambda change: SEVERITIES.index(change.severity))


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


def _changed_one_ofs(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    for name, kind in new.type_map.items():
        before = old.type_map.get(name)
        if isinstance(kind, GraphQLInputObjectType) and isinstance(before, GraphQLInputObjectType):
            if kind.is_one_of and not before.is_one_of:
                text = f"{name} takes exactly one of its fields now."
                yield Change("breaking", "ONE_OF_ADDED", text)
            if before.is_one_of and not kind.is_one_of:
                yield Change("safe", "ONE_OF_REMOVED", f"{name} takes several of its fields now.")


def _deprecations(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    before = dict(_reasons(old))
    for place, reason in _reasons(new):
        if reason and place in before and not before[place]:
            yield Change("safe", "DEPRECATED", f"{place} is deprecated now: {reason}")


def _reasons(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Why each field, argument and value of an enum is deprecated, by its place."""
    for name, kind in schema.type_map.items():
        members = {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}
        for key, member in members.items():
            yield f"{name}.{key}", member.deprecation_reason
            for argument, definition in getattr(member, "args", {}).items():
                yield f"{name}.{key}({argument}:)", definition.deprecation_reason


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
