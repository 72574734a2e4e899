"""The schema that clients and tools rely on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLScalarType,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    get_introspection_query,
    lexicographic_sort_schema,
)
from graphql import print_schema as print_graphql_schema

from portal.cli.contract import print_schema
from tests.callers import Caller

COMMITTED = Path(__file__).parents[2] / "schema.graphql"
BUILT_IN = {"Int", "Float", "String", "Boolean", "ID"}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(print_schema())


def test_committed_schema_is_current() -> None:
    """`make schema` writes it again."""
    assert COMMITTED.read_text(encoding="utf-8") == print_schema()


def described(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Everything that can have a description, by its place in the schema."""
    for name, kind in schema.type_map.items():
        if name.startswith("__") or name in BUILT_IN:
            continue
        yield name, kind.description
        members = getattr(kind, "values", None) or getattr(kind, "fields", {})
        for key, member in members.items():
            yield f"{name}.{key}", member.description
            for argument, definition in getattr(member, "args", {}).items():
                yield f"{name}.{key}({argument})", definition.description
    for directive in schema.directives:
        yield f"@{directive.name}", directive.description
        for argument, definition in directive.args.items():
            yield f"@{directive.name}({argument})", definition.description


def test_everything_has_a_description(schema: GraphQLSchema) -> None:
    places = dict(described(schema))
    assert len(places) > 100
    assert [place for place, description in places.items() if not description] == []


def test_custom_scalars_have_specification(schema: GraphQLSchema) -> None:
    scalars = [
        kind
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLScalarType) and name not in BUILT_IN
    ]
    assert len(scalars) == 3
    assert all(scalar.specified_by_url for scalar in scalars)


def test_no_default_is_null(schema: GraphQLSchema) -> None:
    """So that generated clients leave it out."""
    assert " = null" not in print_graphql_schema(schema)


async def test_introspection_matches_committed_schema(anonymous: Caller) -> None:
    query = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
    )
    introspected = build_client_schema(await anonymous.data(query))  # type: ignore[arg-type]
    committed = build_schema(COMMITTED.read_text(encoding="utf-8"))
    assert in_order(introspected) == in_order(committed)


def in_order(schema: GraphQLSchema) -> str:
    return print_graphql_schema(lexicographic_sort_schema(schema))
