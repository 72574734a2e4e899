"""What a hostile page can make a browser do here: nothing."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from models import User
from portal.settings import Settings
from tests.callers import ORIGIN, Caller, People

pytestmark = pytest.mark.sockets

HTML = {"Accept": "text/html"}
ANSWERS: list[tuple[str, str, dict[str, str], int]] = [
    # method, path, headers, status
    ("GET", "/", {}, 200),
    ("GET", "/", HTML, 200),
    ("GET", "/nope", HTML, 404),
    ("GET", "/healthz", {}, 200),
    ("GET", "/readyz", {}, 200),
    ("GET", "/graphql", HTML, 200),
    ("GET", "/graphql?query={__typename}", {}, 200),
    ("GET", "/graphql?query={", {}, 200),
    ("DELETE", "/graphql", {}, 405),
    ("OPTIONS", "/graphql", {}, 204),
    ("GET", "/graphql/", {}, 307),
    ("GET", "/graphql/schema.graphql", {}, 200),
    ("GET", "/kubeconfig", {}, 401),
    ("GET", "/api/", {}, 200),
    ("GET", "/api/v1.4.0/explain/", HTML, 200),
    ("GET", "/api/v1.4.0/explain/", {}, 200),
    ("GET", "/api/v1.4.0/openapi.json", {}, 200),
    ("GET", "/api/v1.4.0/users/1/", {}, 401),
    ("GET", "/api/v1.4.0/users/1", {}, 301),
    ("GET", "/api/v9/", {}, 404),
    ("OPTIONS", "/api/", {"Origin": "null", "Access-Control-Request-Method": "GET"}, 400),
]
ORIGINS = [
    # origin, whether its pages may read answers
    (ORIGIN, True),
    ("http://evil.example.org", False),
    ("null", False),
    ("*", False),
    ("", False),
    (f"{ORIGIN}.evil.org", False),
    (f"{ORIGIN}:8080", False),
    (f"{ORIGIN}/", False),
    (f"{ORIGIN}@evil.org", False),
    (ORIGIN.replace("http", "https"), False),
    (ORIGIN.upper(), False),
    ("http://sub.portal.example.org", False),
    (f"{ORIGIN}, {ORIGIN}", False),
]
FORMS: list[dict[str, Any]] = [
    {"data": {"username": "bob", "password": "correct horse"}},
    {"data": {"primary_email": "evil@example.org"}},
    {"content": b'{"query": "mutation { endOtherSessions { endedCount } }"}'},
    {"files": {"query": b"mutation { endOtherSessions { endedCount } }"}},
]
CROSS_SITE = {"Origin": "http://evil.example.org", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def database_kind() -> str:
    """Nothing here depends on the kind of database."""
    return "sqlite"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"trusted_proxies": ("127.0.0.1",)})


async def test_sr27_answers_have_browser_safety_headers(anonymous: Caller) -> None:
    for method, path, headers, status in ANSWERS:
        answer = await anonymous.client.request(method, path, headers=headers)
        assert answer.status_code == status, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "script-src 'self'" in policy or "script-src" not in policy
        assert "Strict-Transport-Security" not in answer.headers
        # For the forms of the former frontend; it opens nothing
        assert answer.headers.get("Set-Cookie", "csrftoken=").startswith("csrftoken=")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/graphql"),
        ("GET", "/graphql?query={viewer{username}}"),
        ("GET", "/kubeconfig"),
        ("GET", "/api/v1.4.0/users/{id}/"),
        ("GET", "/api/v1.4.0/users/{id}/groups/"),
        ("PATCH", "/api/v1.4.0/users/{id}/"),
    ],
)
async def test_answers_are_not_cached(
    alice: Caller, people: People, method: str, path: str
) -> None:
    address = path.replace("{id}", str(people.alice.id))
    answer = await alice.client.request(method, address, headers=alice.headers, json={})
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("scheme", "expected"), [("https", "max-age=31536000"), ("http", None)])
async def test_sr27_https_sets_hsts(anonymous: Caller, scheme: str, expected: str | None) -> None:
    answer = await anonymous.client.get("/api/", headers={"X-Forwarded-Proto": scheme})
    assert answer.headers.get("Strict-Transport-Security") == expected


@pytest.mark.parametrize("path", ["/graphql?query={__typename}", "/api/", "/kubeconfig", "/nope"])
async def test_sr26_only_allowed_origins_read_answers(anonymous: Caller, path: str) -> None:
    for origin, may_read in ORIGINS:
        expected = ORIGIN if may_read else None
        answer = await anonymous.client.get(path, headers={"Origin": origin})
        assert answer.headers.get("Access-Control-Allow-Origin") == expected, origin
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        preflight = await anonymous.client.options(path, headers=asked)
        assert preflight.headers.get("Access-Control-Allow-Origin") == expected, origin
        assert "Origin" in preflight.headers["Vary"]


async def test_sr25_cookies_open_nothing(alice: Caller, people: People) -> None:
    token = alice.headers["Authorization"].removeprefix("Bearer ")
    names = ("csrftoken", "sessionid", "access_token", "Authorization")
    cookies = dict.fromkeys(names, token)
    async with httpx2.AsyncClient(base_url=alice.client.base_url, cookies=cookies) as client:
        thief = Caller(client, {"X-CSRFToken": token})
        assert (await thief.rest("GET", f"/users/{people.alice.id}/")).status_code == 401
        assert (await thief.data("{ viewer { username } }"))["viewer"] is None


@pytest.mark.parametrize("path", ["/graphql", "/api/v1.4.0/users/{id}/", "/api/v1.4.0/logout/"])
async def test_sr25_cross_site_forms_change_nothing(
    alice: Caller, people: People, path: str
) -> None:
    """A browser that is signed in sends them without the token, which only its pages know."""
    address = path.replace("{id}", str(people.alice.id))
    before = await User.all().order_by("id").values()
    for form in FORMS:
        answer = await alice.client.post(address, headers=CROSS_SITE, **form)
        assert answer.status_code in (200, 400, 401, 405, 415)
    assert await User.all().order_by("id").values() == before
    assert (await alice.data("{ viewer { username } }"))["viewer"] == {"username": "Alice"}


async def test_sr25_query_string_changes_nothing(alice: Caller) -> None:
    query = {"query": "mutation { logout { errors { code } } }"}
    answer = await alice.client.get("/graphql", params=query, headers=alice.headers)
    assert answer.status_code == 405
    assert (await alice.data("{ viewer { username } }"))["viewer"] == {"username": "Alice"}
