"""The OpenAPI description against the specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from rest_compat.openapi import describe
from rest_compat.operations import StoredOperation
from tests.rest_compat.specification import (
    BEYOND,
    MODELS,
    NULLABLE,
    ROUTES,
    STATISTICS,
    SUCCESSES,
    Specified,
)

every_route = pytest.mark.parametrize("specified", ROUTES, ids=str)
every_model = pytest.mark.parametrize("name", MODELS)


def test_the_description_is_valid_openapi(description: dict[str, Any]) -> None:
    assert list(OpenAPIV31SpecValidator(description).iter_errors()) == []


def test_it_is_the_same_each_time(
    operations: Sequence[StoredOperation], description: dict[str, Any]
) -> None:
    assert str(describe(operations, version="v1.4.0")) == str(description)


def test_description_names_version_and_server(description: dict[str, Any]) -> None:
    assert description["info"]["version"] == "v1.4.0"
    assert description["servers"] == [{"url": "/api/v1.4.0"}]


def test_routes_match_the_specification(
    description: dict[str, Any],
) -> None:
    described = {
        (method.upper(), path) for path, item in description["paths"].items() for method in item
    }
    assert described == {(each.method, each.path) for each in ROUTES} | BEYOND


@every_route
def test_parameters_match_the_specification(
    description: dict[str, Any], specified: Specified
) -> None:
    parameters = operation(description, specified).get("parameters", [])
    in_path = {each["name"]: each for each in parameters if each["in"] == "path"}
    types = {name: resolved(description, each["schema"])["type"] for name, each in in_path.items()}
    assert types == specified.parameters
    assert all(each["required"] and each["description"] for each in in_path.values())


@every_route
def test_each_specified_status_is_described(
    description: dict[str, Any], specified: Specified
) -> None:
    responses = operation(description, specified)["responses"]
    assert {str(status) for status in specified.statuses} <= responses.keys()


@every_route
def test_security_matches_the_specification(
    description: dict[str, Any], specified: Specified
) -> None:
    security = operation(description, specified)["security"]
    assert ({"JWT": []} in security) == specified.secured
    assert ({} in security) == (specified.path == "/logout/")


def test_the_access_token_is_a_bearer_token(description: dict[str, Any]) -> None:
    scheme = description["components"]["securitySchemes"]["JWT"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


@every_model
def test_models_match_the_specification(description: dict[str, Any], name: str) -> None:
    model = description["components"]["schemas"][name]
    types = {key: type_name(schema) for key, schema in model["properties"].items()}
    nullable = NULLABLE.get(name, set())
    assert types == {
        key: f"{kind} or null" if key in nullable else kind for key, kind in MODELS[name].items()
    }


@every_model
def test_model_properties_are_required(description: dict[str, Any], name: str) -> None:
    model = description["components"]["schemas"][name]
    assert sorted(model["required"]) == sorted(MODELS[name])
    assert all(schema["description"] for schema in model["properties"].values())


@pytest.mark.parametrize("path", SUCCESSES)
def test_success_answers_with_the_model(description: dict[str, Any], path: str) -> None:
    for described in description["paths"][path].values():
        content = described["responses"]["200"]["content"]
        assert type_name(content["application/json"]["schema"]) == SUCCESSES[path]


def test_cluster_answers_one_fact_per_request(description: dict[str, Any]) -> None:
    described = description["paths"]["/cluster/{slug}/"]["get"]
    fact = described["responses"]["200"]["content"]["application/json"]["schema"]
    types = {key: type_name(schema) for key, schema in fact["properties"].items()}
    assert types == STATISTICS
    assert fact["minProperties"] == fact["maxProperties"] == 1
    assert set(description["components"]["schemas"]["StatisticType"]["enum"]) == set(STATISTICS)
    assert "503" in described["responses"]


@pytest.mark.parametrize(
    ("method", "path", "required", "optional"),
    [
        ("post", "/login/", [{"username", "password"}], set()),
        ("patch", "/users/{id}/", [set()], {"firstname", "name", "primary_email"}),
        (
            "post",
            "/login_google/",
            [{"access_token"}, {"id_token", "nonce"}, {"id_token"}, {"code", "redirect_uri"}],
            {"code_verifier", "nonce"},
        ),
    ],
)
def test_bodies_are_json_or_forms(
    description: dict[str, Any],
    method: str,
    path: str,
    required: list[set[str]],
    optional: set[str],
) -> None:
    content = description["paths"][path][method]["requestBody"]["content"]
    assert content.keys() == {
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    }
    for media in content.values():
        bodies = [
            resolved(description, each) for each in media["schema"].get("anyOf", [media["schema"]])
        ]
        assert [set(body.get("required", ())) for body in bodies] == required
        assert {
            key for body in bodies for key in body["properties"].keys() - body.get("required", [])
        } == optional


@pytest.mark.parametrize(
    ("method", "path", "refusals"),
    [
        ("post", "/login/", {"400", "429", "503", "default"}),
        ("patch", "/users/{id}/", {"400", "401", "403", "404", "422", "default"}),
        ("get", "/users/{id}/", {"401", "403", "404", "default"}),
        ("get", "/cluster/{slug}/", {"401", "404", "503", "default"}),
        ("get", "/logout/", {"default"}),
        ("get", "/", {"default"}),
    ],
)
def test_error_responses_are_described(
    description: dict[str, Any], method: str, path: str, refusals: set[str]
) -> None:
    responses = description["paths"][path][method]["responses"]
    assert responses.keys() - {"200", "204"} == refusals


def test_patch_returns_user_or_no_content(description: dict[str, Any]) -> None:
    change = description["paths"]["/users/{id}/"]["patch"]
    assert "content" not in change["responses"]["204"]
    assert "Prefer" in [parameter["name"] for parameter in change["parameters"]]


def operation(description: dict[str, Any], specified: Specified) -> dict[str, Any]:
    found: dict[str, Any] = description["paths"][specified.path][specified.method.lower()]
    return found


def resolved(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: Any = schema
    if "$ref" in schema:
        found = description
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
    assert isinstance(found, dict)
    return found


def type_name(schema: dict[str, Any]) -> str:
    """A schema in words, like `integer or null` or `array of WebApp`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    kind = schema["type"]
    if kind == "array":
        return f"array of {type_name(schema['items'])}"
    return kind if isinstance(kind, str) else " or ".join(kind)
