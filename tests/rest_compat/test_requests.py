"""What is common to all routes: methods, paths, versions, CORS, malformed and hostile requests."""

from __future__ import annotations

from typing import Any

import pytest

from models import User
from tests.callers import ORIGIN, Caller, People


async def test_no_credentials_are_401_with_a_challenge(anonymous: Caller) -> None:
    response = await anonymous.rest("GET", "/users/1/")
    assert response.status_code == 401
    assert response.json() == {"detail": "Authentication credentials were not provided."}
    assert response.headers["www-authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("token", ["nonsense", "eyJhbGciOiJub25lIn0.e30.", "x" * 5000])
async def test_a_bad_token_is_401_with_a_code(anonymous: Caller, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    response = await anonymous.rest("GET", "/users/1/", headers=headers)
    assert response.status_code == 401
    assert response.json()["code"] == "token_not_valid"
    assert response.json()["detail"] == "Given token not valid for any token type"
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_closed_account_is_401_with_a_code(alice: Caller, people: People) -> None:
    await User.filter(id=people.alice.id).update(is_active=False)
    response = await alice.rest("GET", f"/users/{people.alice.id}/")
    assert response.status_code == 401
    assert response.json() == {"detail": "User is inactive", "code": "user_inactive"}


@pytest.mark.parametrize(
    "number", ["abc", "0x1", "-1", "1.0", "٣", "1e3", "9" * 10, "9" * 19, "9" * 400, "%00", "1%2F2"]
)
@pytest.mark.parametrize("noun", ["users", "groups", "webapps"])
async def test_an_id_that_can_not_be_one_is_not_found(
    alice: Caller, noun: str, number: str
) -> None:
    response = await alice.rest("GET", f"/{noun}/{number}/")
    assert response.status_code == 404
    assert response.json() == {"detail": "Not found."}


@pytest.mark.parametrize("path", ["/api/v1.3.0/users/1/", "/api/v2/", "/api/v1.4.0.1/login/"])
async def test_another_version_is_not_found(alice: Caller, path: str) -> None:
    response = await alice.client.get(path, headers=alice.headers)
    assert response.status_code == 404
    assert response.json() == {"detail": "Invalid version in URL path."}


@pytest.mark.parametrize("path", ["/nope", "/api/nope/", "/api/v1.4.0/nope/", "/api/users/1/"])
async def test_an_unknown_path_is_not_found_in_json(alice: Caller, path: str) -> None:
    response = await alice.client.get(path, headers=alice.headers)
    assert response.status_code == 404
    assert response.json() == {"detail": "Not found."}


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/users/1/", "GET, HEAD, OPTIONS, PATCH"),
        ("DELETE", "/users/1/", "GET, HEAD, OPTIONS, PATCH"),
        ("GET", "/login/", "OPTIONS, POST"),
        ("PUT", "/", "GET, HEAD, OPTIONS"),
        ("PROPFIND", "/groups/1/", "GET, HEAD, OPTIONS"),
    ],
)
async def test_wrong_method_is_405_with_allow_header(
    alice: Caller, method: str, path: str, allow: str
) -> None:
    response = await alice.rest(method, path)
    assert response.status_code == 405
    assert response.json() == {"detail": f'Method "{method}" not allowed.'}
    assert response.headers["allow"] == allow
    options = await alice.rest("OPTIONS", path)
    assert options.status_code == 204
    assert options.headers["allow"] == allow


async def test_head_is_get_without_a_body(alice: Caller, people: People) -> None:
    path = f"/users/{people.alice.id}/"
    got, head = await alice.rest("GET", path), await alice.rest("HEAD", path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(("method", "status"), [("GET", 301), ("HEAD", 301), ("POST", 308)])
async def test_a_missing_slash_is_added(alice: Caller, method: str, status: int) -> None:
    path = "/login" if method == "POST" else "/users/1"
    response = await alice.rest(method, f"{path}?a=b")
    assert response.status_code == status
    assert response.headers["location"] == f"/api/v1.4.0{path}/?a=b"


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [("/api", 307, "/api/"), ("/graphql/", 307, "/graphql"), ("/kubeconfig/", 404, None)],
)
async def test_redirects_never_name_a_host(
    anonymous: Caller, path: str, status: int, location: str | None
) -> None:
    response = await anonymous.client.get(path, headers={"Host": "evil.example.org"})
    assert response.status_code == status
    assert response.headers.get("location") == location


async def test_allowed_origin_gets_cors_headers(alice: Caller, people: People) -> None:
    for method, path, body, status in (
        ("GET", "/users/1/", None, 200),
        ("GET", "/users/404/", None, 404),
        ("GET", "/nope/", None, 404),
        ("PATCH", "/users/1/", {}, 422),
        ("PUT", "/users/1/", None, 405),
        ("POST", "/login/", "x" * 2_000_000, 413),
    ):
        response = await alice.rest(method, path, json=body, headers={"Origin": ORIGIN})
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == ORIGIN
        assert response.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize("path", ["/users/1/", "/users/1", "/login/", "/", "/nope"])
async def test_preflight_needs_no_credentials(anonymous: Caller, path: str) -> None:
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,x-csrftoken",
    }
    response = await anonymous.rest("OPTIONS", path, headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["access-control-allow-credentials"] == "true"
    assert "PATCH" in response.headers["access-control-allow-methods"].split(", ")
    allowed = response.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "x-csrftoken"} <= set(allowed)


@pytest.mark.parametrize("origin", ["http://evil.example.org", "null", f"{ORIGIN}.evil.org"])
async def test_another_origin_is_not_allowed(anonymous: Caller, origin: str) -> None:
    response = await anonymous.rest("GET", "/", headers={"Origin": origin})
    assert "access-control-allow-origin" not in response.headers
    headers = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
    preflight = await anonymous.rest("OPTIONS", "/users/1/", headers=headers)
    assert preflight.status_code == 400
    assert preflight.json() == {"detail": "Disallowed CORS origin"}
    assert "access-control-allow-origin" not in preflight.headers


JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


def part(value: bytes, more: bytes = b"") -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="username"' + more + b"\r\n\r\n"
    return head + value + b"\r\n--x--\r\n"


PUNYCODE = part(b"a-" + b"b" * 500_000)
SURROGATE = part(b"+2AA-")
UPLOAD = part(b"x", b'; filename="x"')


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", JSON, 400),
        (b'{"username": "a", "password": "b"', JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b'{"username": "\xff", "password": "x"}', JSON, 400),
        (b'{"username": "\\ud800", "password": "x"}', JSON, 400),
        (b'{"username": "\\u0000", "password": "x"}', JSON, 400),
        (b"NaN", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, JSON, 400),
        (b"[]", JSON, 400),
        (b"null", JSON, 400),
        (b'"text"', JSON, 400),
        (b"1" * 5000, JSON, 400),
        (b"", JSON, 400),
        (b"", "", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/xml", 415),
        (b"{}", "nonsense", 415),
        (b"\xff=\xff&%zz=%", FORM, 400),
        (b"a=b&" * 5000, FORM, 400),
        (b"nonsense", MULTIPART, 400),
        (b"nonsense", f"{MULTIPART}; boundary=x", 400),
        (b"--x\r\nnonsense\r\n--x--", f"{MULTIPART}; boundary=x", 400),
        (PUNYCODE, f"{MULTIPART}; boundary=x; charset=punycode", 415),
        (SURROGATE, f"{MULTIPART}; boundary=x; charset=utf-7", 415),
        (SURROGATE, f'{MULTIPART}; boundary=x; Charset="unicode_escape"', 415),
        (UPLOAD, f"{MULTIPART}; boundary=x", 400),
        (b"a=b", f"{FORM}; charset=utf-16", 415),
        (b" " * (1024 * 1024 + 1), JSON, 413),
        (b"x" * 3_000_000, "text/plain", 413),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_malformed_body_is_refused_in_json(
    anonymous: Caller, people: People, content: bytes, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await anonymous.rest("POST", "/login/", content=content, headers=headers)
    assert response.status_code == status, response.text
    assert isinstance(response.json(), dict)


async def test_malformed_json_is_explained(anonymous: Caller) -> None:
    headers = {"Content-Type": JSON}
    response = await anonymous.rest("POST", "/login/", content=b"{", headers=headers)
    assert response.json()["detail"].startswith("JSON parse error - ")
    headers = {"Content-Type": "text/plain"}
    response = await anonymous.rest("POST", "/login/", content=b"{", headers=headers)
    assert response.json() == {"detail": 'Unsupported media type "text/plain" in request.'}


async def test_a_body_without_a_length_is_limited_too(anonymous: Caller) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    headers = {"Content-Type": JSON}
    response = await anonymous.rest("POST", "/login/", content=chunks(), headers=headers)
    assert response.status_code == 413
    assert "1 MiB" in response.json()["detail"]


async def test_json_is_the_answer_whatever_is_accepted(alice: Caller, people: People) -> None:
    headers = {"Accept": "application/xml"}
    response = await alice.rest("GET", f"/users/{people.alice.id}/", headers=headers)
    assert response.headers["content-type"] == JSON


async def test_a_wrong_csrf_header_does_not_matter(alice: Caller, people: People) -> None:
    path = f"/users/{people.alice.id}/"
    headers = {"X-CSRFToken": "wrong"}
    response = await alice.rest("PATCH", path, json={"name": "X"}, headers=headers)
    assert response.status_code == 204


async def test_unexpected_error_is_logged_and_masked(
    alice: Caller,
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret of the machine")

    monkeypatch.setattr("resolvers.groups.group", fail)
    response = await alice.rest("GET", f"/groups/{people.developers.id}/")
    assert response.status_code == 500
    request_id = response.headers["x-request-id"]
    assert response.json()["request_id"] == request_id
    assert "secret" not in response.text
    assert request_id in caplog.text
    assert "the secret of the machine" in caplog.text
    monkeypatch.setattr("portal.web.app.RestApi._respond", fail)
    response = await alice.rest("GET", "/", headers={"Origin": ORIGIN})
    assert response.status_code == 500
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "secret" not in response.text
