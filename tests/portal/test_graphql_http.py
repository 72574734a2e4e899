"""GraphQL over HTTP: negotiation, methods, malformed requests."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.callers import ORIGIN, Caller

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
QUERY = {"query": "{ portal { name } }"}
ANSWER: dict[str, Any] = {
    "data": {"portal": {"name": "KubePortal"}},
    "extensions": {"cost": {"requested": 2, "maximum": 50_000}},
}


async def post(caller: Caller, body: Any, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await caller.client.post("/graphql", json=body, headers=named)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON}", JSON),
        (f"{JSON};q=0.5, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{JSON};q=0, */*", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};charset=utf-8", GRAPHQL_JSON),
    ],
)
async def test_response_has_the_preferred_media_type(
    anonymous: Caller, accept: str | None, media_type: str
) -> None:
    response = await post(anonymous, QUERY, **({"Accept": accept} if accept else {}))
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.json() == ANSWER


@pytest.mark.parametrize("accept", ["text/plain", "application/jsonfoo", f"{JSON};q=0", ";q=x"])
async def test_a_type_that_we_do_not_have_is_406(anonymous: Caller, accept: str) -> None:
    response = await post(anonymous, QUERY, Accept=accept)
    assert response.status_code == 406
    assert response.json()["errors"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($id: Int!) { user(databaseId: $id) { id } }", "BAD_USER_INPUT"),
        ("query A { viewer { id } } query B { viewer { id } }", "BAD_USER_INPUT"),
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{" * 50_000, "GRAPHQL_PARSE_FAILED"),
    ],
    ids=lambda value: value[:30],
)
async def test_request_error_status_depends_on_media_type(
    anonymous: Caller, query: str, code: str
) -> None:
    for accept, status in ((GRAPHQL_JSON, 400), (JSON, 200)):
        response = await post(anonymous, {"query": query}, Accept=accept)
        assert response.status_code == status
        assert "data" not in response.json()
        assert response.json()["errors"][0]["extensions"]["code"] == code


async def test_field_error_keeps_other_data(anonymous: Caller) -> None:
    query = "{ portal { name } user(databaseId: 1) { id } }"
    response = await post(anonymous, {"query": query}, Accept=GRAPHQL_JSON)
    assert response.status_code == 200
    body = response.json()
    assert body["data"] == {**ANSWER["data"], "user": None}
    assert body["errors"][0]["path"] == ["user"]
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_get_query_accepts_variables(alice: Caller) -> None:
    parameters = {
        "query": "query Q($id: Int!) { user(databaseId: $id) { username } }",
        "variables": json.dumps({"id": 1}),
        "operationName": "Q",
    }
    response = await alice.client.get("/graphql", params=parameters, headers=alice.headers)
    assert response.json()["data"] == {"user": {"username": "Alice"}}


async def test_mutations_may_not_be_sent_by_get(alice: Caller) -> None:
    parameters = {"query": "mutation { logout { errors { message } } }"}
    response = await alice.client.get("/graphql", params=parameters, headers=alice.headers)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert (await alice.data("{ viewer { username } }"))["viewer"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_405(anonymous: Caller, method: str) -> None:
    response = await anonymous.client.request(method, "/graphql", json=QUERY)
    assert response.status_code == 405
    assert "POST" in response.headers["allow"]
    assert response.json()["errors"]


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", JSON, 400),
        (b"", JSON, 400),
        (b"\xff", JSON, 400),
        (b"[]", JSON, 400),
        (b"[1, 2]", JSON, 400),
        (b"null", JSON, 400),
        (b'"text"', JSON, 400),
        (b"{}", JSON, 400),
        (b'{"query": 7}', JSON, 400),
        (b'{"query": ""}', JSON, 400),
        (b'{"query": "{ __typename }", "variables": []}', JSON, 400),
        (b'{"query": "{ __typename }", "variables": "{}"}', JSON, 400),
        (b'{"query": "{ __typename }", "operationName": 7}', JSON, 400),
        (b'{"query": "{ __typename }", "extensions": []}', JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/jsonfoo", 415),
        (b"{}", f"{JSON}; charset=latin-1", 415),
        (b"query=%7B__typename%7D", "application/x-www-form-urlencoded", 415),
        (b"{ __typename }", "application/graphql", 415),
        (b" " * 1_100_000, JSON, 413),
        (None, JSON, 413),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_malformed_request_is_refused_in_json(
    anonymous: Caller, content: bytes | None, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type, "Origin": ORIGIN}
    response = await anonymous.client.post(
        "/graphql", content=endless() if content is None else content, headers=headers
    )
    assert response.status_code == status, response.text
    assert response.json()["errors"]
    assert response.headers["access-control-allow-origin"] == ORIGIN


async def endless() -> AsyncIterator[bytes]:
    """A body that does not say how long it is."""
    for _ in range(200):
        yield b" " * 10_000


@pytest.mark.parametrize(
    "content_type",
    [
        JSON,
        "Application/JSON",
        f"{JSON};charset=UTF-8",
        f'{JSON}; charset="utf-8"',
        f"{JSON}; charset=utf-8;",
        f"{JSON}; profile=x",
    ],
)
async def test_media_type_parameters_are_accepted(anonymous: Caller, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    response = await anonymous.client.post("/graphql", content=json.dumps(QUERY), headers=headers)
    assert response.json() == ANSWER


async def test_a_compressed_body_is_refused(anonymous: Caller) -> None:
    content = gzip.compress(json.dumps(QUERY).encode())
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    response = await anonymous.client.post("/graphql", content=content, headers=headers)
    assert response.status_code == 415
    assert response.json()["errors"][0]["message"] == "Send the body without a content encoding."


@pytest.mark.parametrize("variables", ["{", "[]", "7", '"x"'])
async def test_variables_in_the_address_are_an_object(anonymous: Caller, variables: str) -> None:
    parameters = {"query": "{ __typename }", "variables": variables}
    response = await anonymous.client.get("/graphql", params=parameters)
    assert response.status_code == 400


async def test_null_parameters_equal_absent_ones(anonymous: Caller) -> None:
    body = {**QUERY, "variables": None, "operationName": None, "extensions": None}
    assert (await post(anonymous, body)).json() == ANSWER


async def test_an_empty_name_is_none(anonymous: Caller) -> None:
    parameters = {"query": "query A { portal { name } }", "operationName": ""}
    assert (await post(anonymous, parameters)).json() == ANSWER
    assert (await anonymous.client.get("/graphql", params=parameters)).json() == ANSWER


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_early_failure_is_a_graphql_error(
    alice: Caller,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    accept: str,
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the secret of the machine")

    monkeypatch.setattr("portal.container.authenticate", fail)
    response = await alice.client.post(
        "/graphql", json=QUERY, headers={**alice.headers, "Accept": accept}
    )
    assert response.status_code == 500
    assert response.headers["content-type"].startswith(accept)
    [error] = response.json()["errors"]
    assert "secret" not in response.text
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["extensions"]["requestId"] in caplog.text


async def test_unexpected_error_is_masked_and_logged(
    alice: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret of the machine")

    monkeypatch.setattr("resolvers.clusters.all_clusters", fail)
    answer = await alice.graphql("{ clusters { name } viewer { username } }")
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in json.dumps(answer)
    assert error["extensions"]["requestId"] in caplog.text
    assert "the secret of the machine" in caplog.text


async def test_the_schema_definition_can_be_fetched(anonymous: Caller) -> None:
    response = await anonymous.client.get("/graphql/schema.graphql")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "type Query {" in response.text
