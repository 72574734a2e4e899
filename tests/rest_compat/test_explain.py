"""Every route as GraphQL, for the playground."""

from __future__ import annotations

import re
import shlex
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import orjson
import pytest
from graphql import parse
from starlette.requests import Request
from starlette.responses import Response

from portal.web import responses
from rest_compat.explain import explain, page
from rest_compat.operations import DIRECTIVES, StoredOperation
from tests.callers import Caller

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture(scope="session")
def entries(operations: Sequence[StoredOperation]) -> list[dict[str, Any]]:
    return explain(operations, version="v1.4.0")


def test_routes_are_explained_in_path_order(
    entries: list[dict[str, Any]], operations: Sequence[StoredOperation]
) -> None:
    explained = [(entry["path"], entry["method"], entry["operation"]) for entry in entries]
    assert len(explained) == sum(len(operation.routes) for operation in operations)
    assert [each[:2] for each in explained] == sorted(each[:2] for each in explained)
    assert ("/api/v1.4.0/users/{id}/", "PATCH", "UpdateUser") in explained
    assert ("/api/v1.4.0/cluster/k8s_version/", "GET", "ClusterVersion") in explained


def test_operations_are_listed_in_match_order(
    entries: list[dict[str, Any]], operations: Sequence[StoredOperation]
) -> None:
    tried = [each.name for each in operations if each.name.startswith("LoginWithGoogle")]
    path = "/api/v1.4.0/login_google/"
    assert [entry["operation"] for entry in entries if entry["path"] == path] == tried


def test_documents_hold_no_client_directives(
    entries: list[dict[str, Any]],
) -> None:
    for entry in entries:
        assert not re.search(rf"@({'|'.join(DIRECTIVES)})\b", entry["document"])
        assert '"' not in entry["document"]
        assert parse(entry["document"]).definitions


def test_types_and_examples_are_of_the_variables(entries: list[dict[str, Any]]) -> None:
    update = next(entry for entry in entries if entry["operation"] == "UpdateUser")
    assert update["types"] == {
        "id": "Int!",
        "firstname": "String",
        "name": "String",
        "primary_email": "String",
        "representation": "Boolean!",
    }
    assert update["variables"] == {
        "id": 1,
        "firstname": "Alice",
        "name": "Anders",
        "primary_email": "alice@example.org",
        "representation": True,
    }


@pytest.mark.parametrize(
    ("operation", "curl"),
    [
        ("Bootstrap", ["$PORTAL/api/v1.4.0/"]),
        (
            "UserGroups",
            ["$PORTAL/api/v1.4.0/users/1/groups/", "-H", "Authorization: Bearer $TOKEN"],
        ),
        (
            "Login",
            [
                "$PORTAL/api/v1.4.0/login/",
                *("-X", "POST"),
                *("-H", "Content-Type: application/json"),
                *("-d", '{"username":"alice","password":"PASSWORD"}'),
            ],
        ),
        ("Logout", ["$PORTAL/api/v1.4.0/logout/", "-H", "Authorization: Bearer $TOKEN"]),
    ],
)
def test_the_curl_line_makes_the_request(
    entries: list[dict[str, Any]], operation: str, curl: list[str]
) -> None:
    line = next(entry["curl"] for entry in entries if entry["operation"] == operation)
    assert shlex.split(line) == ["curl", *curl]


async def test_every_document_runs_with_its_examples(
    entries: list[dict[str, Any]], alice: Caller
) -> None:
    for entry in sorted(entries, key=lambda entry: entry["operation"] == "Logout"):
        answer = await alice.graphql(entry["document"], **entry["variables"])
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert "data" in answer, (entry["operation"], answer)
        assert codes <= {"FORBIDDEN", "NOT_FOUND", "UNAVAILABLE"}, (entry["operation"], answer)


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "application/json, text/html;q=0.5"]
)
def test_programs_get_json(entries: list[dict[str, Any]], accept: str | None) -> None:
    response = page(entries, responses)(asking_for(accept))
    assert response.media_type == "application/json"
    assert response.headers["Vary"] == "Accept"
    assert orjson.loads(response.body) == entries


def test_browsers_get_a_page_with_every_document(entries: list[dict[str, Any]]) -> None:
    response = page(entries, responses)(asking_for(BROWSER))
    html = text_of(response)
    assert response.media_type == "text/html"
    assert response.headers["Vary"] == "Accept"
    assert html.count("<section>") == len(entries)
    assert "k8s_serviceaccount: qualifiedName" in html


def test_page_has_no_scripts_and_own_style_only(entries: list[dict[str, Any]]) -> None:
    response = page(entries, responses)(asking_for(BROWSER))
    html = text_of(response)
    style = html.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", f"style-src 'sha256-{digest}'"} <= set(policy)
    assert "<script" not in html
    assert " style=" not in html


def test_page_escapes_document_text(entries: list[dict[str, Any]]) -> None:
    hostile = {**entries[0], "summary": "<b>&", "variables": {"name": "</pre><i>"}}
    html = text_of(page([hostile], responses)(asking_for(BROWSER)))
    assert "&lt;b&gt;&amp;" in html
    assert "&lt;/pre&gt;&lt;i&gt;" in html
    assert "<i>" not in html


def asking_for(accept: str | None) -> Request:
    headers = [] if accept is None else [(b"accept", accept.encode())]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


def text_of(response: Response) -> str:
    return bytes(response.body).decode()
