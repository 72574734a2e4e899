"""Sunset and deprecation headers of routes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.applications import Starlette
from starlette.routing import Mount

from portal.settings import Settings, SettingsError, settings_from_environment
from portal.web.app import Contract, build_contract
from rest_compat.operations import InvalidStoredDocument, load
from schema.executor import Executor
from schema.root import build_schema
from tests.callers import ORIGIN, Caller, called

DOCUMENTS = """
query Staying @rest(method: GET, path: "/staying/", public: true) { body: portal { name } }
query Leaving @rest(method: GET, path: "/leaving/", public: true)
  @retires(deprecation: "2030-01-31", sunset: "2031-01-31T12:00:00+01:00") { body: portal { name } }
query Secret($id: Int!) @rest(method: GET, path: "/secret/{id}/") @retires(sunset: "2031-01-31") {
  body: user(databaseId: $id) { username }
}
"""
LINK = {"Link": '</graphql>; rel="successor-version"'}
LEAVING = {"Deprecation": "@1896048000", "Sunset": "Fri, 31 Jan 2031 11:00:00 GMT", **LINK}
SECRET = {"Sunset": "Fri, 31 Jan 2031 00:00:00 GMT", **LINK}
BY_OPERATOR = {"Deprecation": "@1861920000", "Sunset": "Sun, 01 Jul 2029 00:00:00 GMT", **LINK}
OUTLOOK = {
    "rest_deprecation": datetime(2029, 1, 1, tzinfo=UTC),
    "rest_sunset": datetime(2029, 7, 1, tzinfo=UTC),
}


@pytest.fixture
def outlook() -> dict[str, datetime]:
    return {}


@pytest.fixture(scope="session")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "things.graphql").write_text(DOCUMENTS)
    return build_contract(folder)


@pytest.fixture
def settings(settings: Settings, outlook: dict[str, datetime]) -> Settings:
    return settings.model_copy(update=outlook)


def announced(response: httpx2.Response) -> dict[str, str]:
    names = ("Deprecation", "Sunset", "Link")
    return {name: response.headers[name] for name in names if name in response.headers}


@pytest.mark.parametrize(
    ("outlook", "staying"), [({}, LINK), (OUTLOOK, BY_OPERATOR)], ids=["default", "operator"]
)
async def test_document_or_setting_defines_sunset(alice: Caller, staying: dict[str, str]) -> None:
    for method in ("GET", "HEAD"):
        assert announced(await alice.rest(method, "/staying/")) == staying
        assert announced(await alice.rest(method, "/leaving/")) == LEAVING


async def test_error_responses_have_sunset_headers(anonymous: Caller, alice: Caller) -> None:
    for caller, path, status in (
        (anonymous, "/secret/1/", 401),
        (alice, "/secret/x/", 404),
        (alice, "/secret/404/", 404),
        (alice, "/secret/2/", 403),
        (alice, "/secret/1/", 200),
    ):
        response = await caller.rest("GET", path)
        assert (response.status_code, announced(response)) == (status, SECRET), path


async def test_other_responses_have_no_sunset_headers(anonymous: Caller) -> None:
    for path in ("/nothing/", "/openapi.json", "/explain/"):
        assert announced(await anonymous.rest("GET", path)) == {}
    assert announced(await anonymous.rest("POST", "/leaving/")) == {}


async def test_browsers_may_read_it(anonymous: Caller) -> None:
    response = await anonymous.rest("GET", "/leaving/", headers={"Origin": ORIGIN})
    exposed = response.headers["access-control-expose-headers"].split(", ")
    assert {"Deprecation", "Link", "Sunset"} <= set(exposed)


async def test_the_successor_is_where_the_portal_is(app: Starlette) -> None:
    below = Starlette(routes=[Mount("/portal", app)], lifespan=app.router.lifespan_context)
    async with called(below) as client:
        response = await client.get("/portal/api/v1.4.0/staying/")
        assert response.status_code == 200
        assert announced(response) == {"Link": '</portal/graphql>; rel="successor-version"'}


async def test_description_marks_deprecation(anonymous: Caller) -> None:
    description = (await anonymous.rest("GET", "/openapi.json")).json()
    assert list(OpenAPIV31SpecValidator(description).iter_errors()) == []
    expected = {
        "/staying/": (False, {"Link"}),
        "/leaving/": (True, {"Deprecation", "Link", "Sunset"}),
        "/secret/{id}/": (False, {"Link", "Sunset"}),
    }
    for path, (deprecated, headers) in expected.items():
        described = description["paths"][path]["get"]
        assert described.get("deprecated", False) is deprecated
        assert described["responses"]["200"]["headers"].keys() == headers


async def test_explanation_marks_deprecation(anonymous: Caller) -> None:
    entries = (await anonymous.rest("GET", "/explain/")).json()
    dates = {entry["operation"]: (entry["deprecation"], entry["sunset"]) for entry in entries}
    assert dates == {
        "Staying": (None, None),
        "Leaving": ("2030-01-31T00:00:00+00:00", "2031-01-31T11:00:00+00:00"),
        "Secret": (None, "2031-01-31T00:00:00+00:00"),
    }
    page = (await anonymous.rest("GET", "/explain/", headers={"Accept": "text/html"})).text
    assert page.count("Deprecated from 2030-01-31T00:00:00+00:00.") == 1
    assert page.count("May be gone from 2031-01-31T") == 2


@pytest.mark.parametrize(
    "arguments",
    [
        'deprecation: "soon"',
        'sunset: ""',
        'sunset: "0001-01-01T00:00:00+23:59"',
        'deprecation: "2031-01-01", sunset: "2030-01-01"',
        "sunset: 7",
    ],
)
def test_a_document_with_a_mistake_is_refused(tmp_path: Path, arguments: str) -> None:
    document = (
        f'query A @rest(method: GET, path: "/") @retires({arguments}) {{ portal {{ name }} }}'
    )
    (tmp_path / "a.graphql").write_text(document)
    with pytest.raises(InvalidStoredDocument, match=r"a.graphql: (.|\n)*retires"):
        load(tmp_path, Executor(build_schema()).graphql_schema)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"REST_SUNSET": "soon"}, "KUBEPORTAL_REST_SUNSET: use a day"),
        ({"REST_DEPRECATION": "2030-02-30"}, "KUBEPORTAL_REST_DEPRECATION: use a day"),
        (
            {"REST_DEPRECATION": "2031-01-01", "REST_SUNSET": "2030-01-01"},
            "KUBEPORTAL_REST_SUNSET: the sunset is not before",
        ),
    ],
)
def test_a_mistake_of_the_operator_is_one_line(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"KUBEPORTAL_{name}", value)
    with pytest.raises(SettingsError, match=message):
        settings_from_environment()


def test_days_begin_at_midnight_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEPORTAL_REST_DEPRECATION", "2029-01-01")
    monkeypatch.setenv("KUBEPORTAL_REST_SUNSET", "2029-07-01")
    found: dict[str, Any] = settings_from_environment().model_dump(include=set(OUTLOOK))
    assert found == OUTLOOK
