"""The OpenAPI description against the answers of a running portal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

import httpx2
import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from cluster.cluster import Cluster, Clusters
from cluster.facts import Facts
from cluster.tokens import ServiceAccountToken
from rest_compat.operations import StoredOperation
from tests.callers import Caller, People

ANSWERS: tuple[tuple[str, str, str, dict[str, Any], int], ...] = (
    ("GET", "/", "/", {}, 200),
    ("GET", "/users/{id}/", "/users/{alice}/", {}, 200),
    ("GET", "/users/{id}/", "/users/{bob}/", {}, 403),
    ("GET", "/users/{id}/", "/users/999999/", {}, 404),
    ("GET", "/users/{id}/webapps/", "/users/{alice}/webapps/", {}, 200),
    ("GET", "/users/{id}/groups/", "/users/{alice}/groups/", {}, 200),
    ("GET", "/groups/{id}/", "/groups/{developers}/", {}, 200),
    ("GET", "/groups/{id}/", "/groups/{operators}/", {}, 403),
    ("GET", "/webapps/{id}/", "/webapps/{grafana}/", {}, 200),
    ("GET", "/webapps/{id}/", "/webapps/text/", {}, 404),
    ("GET", "/cluster/{slug}/", "/cluster/unheard_of/", {}, 404),
    (
        "PATCH",
        "/users/{id}/",
        "/users/{alice}/",
        {"json": {"name": "A"}, "headers": {"Prefer": "return=representation"}},
        200,
    ),
    ("PATCH", "/users/{id}/", "/users/{alice}/", {"json": {"firstname": "A"}}, 204),
    ("PATCH", "/users/{id}/", "/users/{alice}/", {"json": {"firstname": ""}}, 422),
    ("PATCH", "/users/{id}/", "/users/{alice}/", {"json": {}}, 422),
    (
        "PATCH",
        "/users/{id}/",
        "/users/{alice}/",
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        400,
    ),
    ("PATCH", "/users/{id}/", "/users/{alice}/", {"content": b"text"}, 415),
    ("POST", "/login/", "/login/", {"data": {"username": "alice", "password": "no"}}, 400),
    ("POST", "/login/", "/login/", {"json": {"username": "alice"}}, 400),
    (
        "POST",
        "/login/",
        "/login/",
        {"json": {"username": "alice", "password": "correct horse"}},
        200,
    ),
    ("POST", "/login_google/", "/login_google/", {"json": {"access_token": "?"}}, 400),
    ("POST", "/logout/", "/logout/", {}, 200),
    ("GET", "/users/{id}/", "/users/{alice}/", {}, 401),
    ("GET", "/logout/", "/logout/", {}, 200),
)


class ObservedCluster:
    """A cluster with facts, and tokens for everyone."""

    name = "observed"
    api_server_url = "https://cluster.example.org:6443"
    facts = Facts("v1.36.0", 3, Decimal("11.5"), 103079215104, 40, 2, reachable=True)

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def issue_token(self, *_: Any, **__: Any) -> ServiceAccountToken:
        return ServiceAccountToken("a token", None)


@pytest.fixture(params=["without a cluster", "with a cluster"])
def clusters(request: pytest.FixtureRequest) -> Clusters:
    without = request.param == "without a cluster"
    return Clusters() if without else Clusters([cast(Cluster, ObservedCluster())])


async def test_answers_are_as_described(
    description: dict[str, Any], alice: Caller, people: People
) -> None:
    ids = {name: row.id for name, row in vars(people).items()}
    for method, path, template, request, status in ANSWERS:
        answer = await alice.rest(method, template.format(**ids), **request)
        assert answer.status_code == status, (method, template, answer.text)
        check(description, method, path, answer)


async def test_facts_are_as_described(
    description: dict[str, Any], alice: Caller, clusters: Clusters
) -> None:
    statuses = {}
    for slug in description["components"]["schemas"]["StatisticType"]["enum"]:
        answer = await alice.rest("GET", f"/cluster/{slug}/")
        check(description, "GET", "/cluster/{slug}/", answer)
        statuses[slug] = answer.status_code
        assert answer.status_code == 503 or answer.json().keys() == {slug}
    assert set(statuses.values()) == ({200} if len(clusters) else {200, 503})


async def test_described_routes_equal_allowed_ones(
    description: dict[str, Any], operations: Sequence[StoredOperation], anonymous: Caller
) -> None:
    stored = {route.path.openapi for operation in operations for route in operation.routes}
    assert description["paths"].keys() == stored
    for path, item in description["paths"].items():
        answer = await anonymous.rest("OPTIONS", path.format(id=1, slug="portal_version"))
        allowed = set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"}
        assert allowed == {method.upper() for method in item}, path


def check(description: dict[str, Any], method: str, path: str, answer: httpx2.Response) -> None:
    """Fails when body or headers are not as described, or hold anything besides."""
    responses = description["paths"][path][method.lower()]["responses"]
    response = responses.get(str(answer.status_code)) or responses["default"]
    if "$ref" in response:
        response = description["components"]["responses"][response["$ref"].rpartition("/")[2]]
    assert [name for name in response.get("headers", ()) if name not in answer.headers] == []
    if "content" not in response:
        assert answer.content == b""
        return
    assert answer.headers["Content-Type"] == "application/json"
    schema = response["content"]["application/json"]["schema"]
    whole = closed({**schema, "components": description["components"]})
    validator = OAS31Validator(whole, format_checker=oas31_format_checker)
    assert [error.message for error in validator.iter_errors(answer.json())] == []


def closed(schemas: Any) -> Any:
    """The same schemas, with no properties allowed but those that they name."""
    if not isinstance(schemas, dict):
        return schemas
    inner = {key: closed(value) for key, value in schemas.items()}
    extra = {"additionalProperties": False} if "properties" in inner else {}
    return {**extra, **inner}
