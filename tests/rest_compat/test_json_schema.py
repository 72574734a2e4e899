"""The rules by which GraphQL types and client directives become JSON Schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema

from rest_compat.openapi import describe
from rest_compat.operations import load

SCHEMA = build_schema("""
    scalar BigInt
    scalar DateTime
    scalar Anything
    enum Colour { RED GREEN }
    type Query { thing(id: Int!): Thing  things: [Thing]!  count: Int! }
    type Mutation { paint(input: PaintInput!): PaintPayload! }
    input PaintInput {
      "The new colour."
      colour: String
    }
    type PaintPayload { thing: Thing  errors: [UserError!]! }
    type UserError { message: String! }
    "A thing."
    type Thing {
      name: String!
      size: BigInt!
      at: DateTime
      weight: Float
      colour: Colour
      grid: [[Int]!]
      anything: Anything
      "Null when nobody owns it."
      owner: Owner
      maker: Owner!
    }
    type Owner {
      "How to call the owner."
      name: String!
    }
""")

Describe = Callable[[str], dict[str, Any]]


@pytest.fixture
def described(tmp_path: Path) -> Describe:
    """Describes a document by which `/things/` is answered."""

    def describe_document(document: str) -> dict[str, Any]:
        (tmp_path / "things.graphql").write_text(document, encoding="utf-8")
        return describe(load(tmp_path, SCHEMA), version="v1")

    return describe_document


@pytest.mark.parametrize(
    ("selection", "schema"),
    [
        ("name", {"type": "string"}),
        ("size", {"type": "integer", "format": "int64"}),
        ("at", {"type": ["string", "null"], "format": "date-time"}),
        ("weight", {"type": ["number", "null"]}),
        ("colour", {"type": ["string", "null"], "enum": ["RED", "GREEN", None]}),
        (
            "grid",
            {
                "type": ["array", "null"],
                "items": {"type": "array", "items": {"type": ["integer", "null"]}},
            },
        ),
        ("anything", {}),
        ('at @required(message: "?")', {"type": "string", "format": "date-time"}),
    ],
)
def test_types_and_nullability_match_the_schema(
    described: Describe, selection: str, schema: dict[str, Any]
) -> None:
    thing = described(query(f"key: {selection}"))["components"]["schemas"]["Thing"]
    assert thing == {
        "type": "object",
        "description": "A thing.",
        "properties": {"key": schema},
        "required": ["key"],
    }


@pytest.mark.parametrize(
    ("selection", "schema"),
    [
        (
            "owner @flatten { key: name }",
            {
                "type": ["string", "null"],
                "description": "Null when nobody owns it. How to call the owner.",
            },
        ),
        (
            'owner @flatten { key: name @required(message: "?") }',
            {"type": "string", "description": "Null when nobody owns it. How to call the owner."},
        ),
        (
            "maker @flatten { key: name }",
            {"type": "string", "description": "How to call the owner."},
        ),
    ],
)
def test_flattened_keys_of_nullable_object_are_null(
    described: Describe, selection: str, schema: dict[str, Any]
) -> None:
    thing = described(query(selection))["components"]["schemas"]["Thing"]
    assert thing["properties"] == {"key": schema}


def test_a_payload_without_errors_has_its_fields(described: Describe) -> None:
    document = """mutation Paint($colour: String) @rest(method: POST, path: "/things/") {
        body: paint(input: {colour: $colour}) { thing @flatten { name } errors { message } } }"""
    schemas = described(document)["components"]["schemas"]
    assert schemas["PaintPayload"]["properties"] == {"name": {"type": "string"}}
    assert schemas["PaintRequest"]["properties"] == {
        "colour": {"type": ["string", "null"], "description": "The new colour."}
    }
    assert schemas["PaintRequest"]["minProperties"] == 1


def test_an_object_inside_is_described_in_place(described: Describe) -> None:
    thing = described(query("owner { name }"))["components"]["schemas"]["Thing"]
    owner = thing["properties"]["owner"]
    assert owner["type"] == ["object", "null"]
    assert owner["properties"]["name"]["type"] == "string"


def test_lists_and_plain_values_are_bodies_too(described: Describe) -> None:
    names = described('query Names @rest(method: GET, path: "/things/") { body: things { name } }')
    count = described('query Count @rest(method: GET, path: "/things/") { body: count }')
    assert success(names)["type"] == "array"
    assert success(count) == {"type": "integer"}


def test_objects_of_one_type_have_distinct_names(described: Describe) -> None:
    description = described(
        query("name")
        + """query Other($id: Int!) @rest(method: GET, path: "/others/{id}/") {
            body: thing(id: $id) { size } }"""
    )
    other = success(description, "/others/{id}/")
    assert success(description) == {"$ref": "#/components/schemas/Thing"}
    assert list(other["properties"]) == ["size"]


def query(selection: str) -> str:
    return (
        f'query One @rest(method: GET, path: "/things/") {{ body: thing(id: 1) {{ {selection} }} }}'
    )


def success(description: dict[str, Any], path: str = "/things/") -> dict[str, Any]:
    responses = description["paths"][path]["get"]["responses"]
    schema: dict[str, Any] = responses["200"]["content"]["application/json"]["schema"]
    return schema
