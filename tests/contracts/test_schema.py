"""What clients and tools rely on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import GraphQLScalarType, GraphQLSchema, build_schema

from portal.contract import ContractError, check_schema, print_schema

COMMITTED = Path(__file__).parents[2] / "schema.graphql"
BUILT_IN = {"Int", "Float", "String", "Boolean", "ID"}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(print_schema())


def test_the_committed_schema_is_fresh() -> None:
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


def test_everything_has_a_description(schema: GraphQLSchema) -> None:
    places = dict(described(schema))
    assert len(places) > 100
    assert [place for place, description in places.items() if not description] == []


def test_custom_scalars_say_where_they_are_specified(schema: GraphQLSchema) -> None:
    scalars = [
        kind
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLScalarType) and name not in BUILT_IN
    ]
    assert len(scalars) == 2
    assert all(scalar.specified_by_url for scalar in scalars)


def test_a_check_against_the_same_schema_finds_nothing() -> None:
    assert check_schema(COMMITTED) == "Nothing changed."


def test_a_check_fails_when_clients_would_break(tmp_path: Path) -> None:
    relied_on = tmp_path / "schema.graphql"
    relied_on.write_text(print_schema().replace("  userCount:", "  motto: String\n  userCount:"))
    with pytest.raises(ContractError, match="motto"):
        check_schema(relied_on)


def test_a_check_tells_harmless_changes(tmp_path: Path) -> None:
    relied_on = tmp_path / "schema.graphql"
    relied_on.write_text(print_schema().replace("  BYTE\n", "").replace('"""One byte."""', ""))
    assert "BYTE" in check_schema(relied_on)


def test_a_check_needs_a_schema(tmp_path: Path) -> None:
    nonsense = tmp_path / "schema.graphql"
    nonsense.write_text("type {")
    with pytest.raises(ContractError, match="is no schema"):
        check_schema(nonsense)
