"""What each route answers, down to the body."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from models import Membership, User
from tests.callers import ORIGIN, Caller, People

ALICE = {
    "firstname": "Alice",
    "name": "Anders",
    "username": "Alice",
    "primary_email": "alice@example.org",
    "all_emails": ["alice@example.org", "alice@alt.example.org"],
    "admin": False,
    "k8s_serviceaccount": "team-alice:alice",
    "k8s_namespace": "team-alice",
    "k8s_token": None,
}


@pytest.mark.parametrize("path", ["/api/", "/api/v1.4.0/"])
async def test_bootstrap_returns_csrf_token(anonymous: Caller, path: str) -> None:
    response = await anonymous.client.get(path, headers={"Authorization": "Bearer nonsense"})
    body = response.json()
    assert response.status_code == 200
    assert set(body) == {"csrf_token", "portal_version", "default_api_version"}
    assert body["default_api_version"] == "v1.4.0"
    assert re.fullmatch(r"v\d+\.\d+\.\d+", body["portal_version"])
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"csrftoken={body['csrf_token']};")
    assert "SameSite=lax" in cookie
    assert "XSRF-TOKEN" not in cookie


async def test_a_user_is_nine_keys(alice: Caller, bob: Caller, people: People) -> None:
    response = await alice.rest("GET", f"/users/{people.alice.id}/")
    assert response.status_code == 200
    assert response.json() == ALICE
    without_account = (await bob.rest("GET", f"/users/{people.bob.id}/")).json()
    assert set(without_account) == set(ALICE)
    assert without_account["primary_email"] is None
    assert without_account["all_emails"] == []
    for key in ("k8s_serviceaccount", "k8s_namespace", "k8s_token"):
        assert without_account[key] is None


async def test_an_administrator_is_one(admin: Caller, people: People) -> None:
    assert (await admin.rest("GET", f"/users/{people.admin.id}/")).json()["admin"] is True


async def test_lists_are_bare(alice: Caller, people: People) -> None:
    groups = await alice.rest("GET", f"/users/{people.alice.id}/groups/")
    assert groups.json() == [{"name": "Everyone"}, {"name": "Cluster"}, {"name": "Developers"}]
    webapps = await alice.rest("GET", f"/users/{people.alice.id}/webapps/")
    assert webapps.json() == [
        {"link_name": "Grafana", "link_url": "https://grafana.example.org/"},
        {
            "link_name": "Dashboard of team-alice",
            "link_url": "https://dashboard.example.org/?account=alice",
        },
    ]


async def test_web_apps_and_groups_have_their_keys(alice: Caller, people: People) -> None:
    webapp = await alice.rest("GET", f"/webapps/{people.grafana.id}/")
    assert webapp.json() == {
        "link_name": "Grafana",
        "link_url": "https://grafana.example.org/",
    }
    group = await alice.rest("GET", f"/groups/{people.developers.id}/")
    assert group.json() == {"name": "Developers"}


async def test_a_link_may_be_null(alice: Caller, people: People) -> None:
    await type(people.grafana).filter(id=people.grafana.id).update(link_name=None, link_url=None)
    webapp = await alice.rest("GET", f"/webapps/{people.grafana.id}/")
    assert webapp.json() == {"link_name": None, "link_url": None}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"Origin": ORIGIN}, 200),
        ({"Origin": ORIGIN, "Prefer": "return=minimal"}, 204),
        ({"Prefer": "return=representation"}, 200),
        ({"Prefer": "respond-async, return = representation"}, 200),
    ],
    ids=str,
)
async def test_patch_honours_prefer_header(
    alice: Caller, people: People, headers: dict[str, str], status: int
) -> None:
    body = {"firstname": "Alicia", "name": "Smith", "primary_email": "a@example.org"}
    path = f"/users/{people.alice.id}/"
    response = await alice.rest("PATCH", path, json=body, headers=headers)
    assert response.status_code == status
    expected = {**ALICE, **body, "all_emails": ["a@example.org", "alice@alt.example.org"]}
    assert response.content == b"" if status == 204 else response.json() == expected
    assert (await alice.rest("GET", path)).json() == expected


async def test_a_form_changes_a_user_as_well(alice: Caller, people: People) -> None:
    path = f"/users/{people.alice.id}/"
    assert (await alice.rest("PATCH", path, data={"firstname": "A"})).status_code == 204
    files = {"name": (None, "B")}
    assert (await alice.rest("PATCH", path, files=files)).status_code == 204
    user = (await alice.rest("GET", path)).json()
    assert (user["firstname"], user["name"]) == ("A", "B")


async def test_concurrent_patches_keep_each_other(alice: Caller, people: People) -> None:
    path = f"/users/{people.alice.id}/"
    for number in range(10):
        first, last = f"First {number}", f"Last {number}"
        await asyncio.gather(
            alice.rest("PATCH", path, json={"firstname": first}),
            alice.rest("PATCH", path, json={"name": last}),
        )
        user = (await alice.rest("GET", path)).json()
        assert (user["firstname"], user["name"]) == (first, last)


async def test_user_cannot_become_administrator(alice: Caller, people: People) -> None:
    path = f"/users/{people.alice.id}/"
    attack = {
        "admin": True,
        "is_superuser": True,
        "isAdmin": True,
        "is_staff": True,
        "username": "root",
        "all_emails": ["root@example.org"],
        "groups": [people.operators.id],
        "k8s_namespace": "kube-system",
    }
    assert (await alice.rest("PATCH", path, json=attack)).status_code == 422
    assert (await alice.rest("PATCH", path, json={**attack, "name": "Mallory"})).status_code == 204
    assert (await alice.rest("GET", path)).json() == {**ALICE, "name": "Mallory"}
    assert await Membership.filter(user_id=people.alice.id).count() == 1
    assert not (await User.get(id=people.alice.id)).is_superuser


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"non_field_errors"}),
        ({"admin": True}, {"non_field_errors"}),
        ({"primary_email": "nonsense"}, {"primary_email"}),
        ({"primary_email": 7}, {"primary_email"}),
        ({"primary_email": None}, {"primary_email"}),
        ({"firstname": ""}, {"firstname"}),
        ({"firstname": None}, {"firstname"}),
        ({"firstname": ["x"]}, {"firstname"}),
        ({"firstname": "x" * 100_000}, {"firstname"}),
        ({"firstname": "x" * 151, "name": " "}, {"firstname", "name"}),
        ({"primary_email": "x" * 250 + "@example.org"}, {"primary_email"}),
        ([], {"non_field_errors"}),
        (7, {"non_field_errors"}),
        (None, {"non_field_errors"}),
        (True, {"non_field_errors"}),
        ("text", {"non_field_errors"}),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value)[:30],
)
async def test_invalid_patch_is_422_and_names_the_field(
    alice: Caller, people: People, body: Any, fields: set[str]
) -> None:
    path = f"/users/{people.alice.id}/"
    response = await alice.rest("PATCH", path, json=body)
    assert response.status_code == 422
    assert set(response.json()) == fields
    assert all(isinstance(texts, list) and texts for texts in response.json().values())
    assert (await alice.rest("GET", path)).json() == ALICE


@pytest.mark.parametrize("authorization", ["undefined", "Bearer nonsense", "Bearer undefined"])
async def test_login_ignores_other_credentials(
    anonymous: Caller, people: People, authorization: str
) -> None:
    response = await anonymous.rest(
        "POST",
        "/login/",
        json={"username": "alice", "password": "correct horse"},
        headers={"Authorization": authorization},
    )
    assert response.status_code == 200
    assert set(response.json()) == {"id", "firstname", "access_token"}
    assert response.json()["id"] == people.alice.id
    assert response.json()["firstname"] == "Alice"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"username": "alice"}, {"password": ["This field is required."]}),
        ({"password": "x"}, {"username": ["This field is required."]}),
        (
            {},
            {"username": ["This field is required."], "password": ["This field is required."]},
        ),
        ({"username": "alice", "password": ""}, {"password": ["This field may not be blank."]}),
        ({"username": "alice", "password": None}, {"password": ["This field may not be null."]}),
        ({"username": "alice", "password": 7}, {"password": ["Not a valid string."]}),
        (
            {"username": "alice", "password": "wrong"},
            {"non_field_errors": ["Unable to log in with provided credentials."]},
        ),
        (
            ["alice"],
            {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]},
        ),
    ],
    ids=str,
)
async def test_failed_login_is_400_with_reason(
    anonymous: Caller, people: People, body: Any, answer: dict[str, Any]
) -> None:
    response = await anonymous.rest("POST", "/login/", json=body)
    assert response.status_code == 400
    assert response.json() == answer


async def test_forms_sign_in_as_well(anonymous: Caller, people: People) -> None:
    credentials = {"username": "alice", "password": "correct horse"}
    assert (await anonymous.rest("POST", "/login/", data=credentials)).status_code == 200
    parts = {name: (None, value) for name, value in credentials.items()}
    assert (await anonymous.rest("POST", "/login/", files=parts)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_logout_ends_the_session(alice: Caller, people: People, method: str) -> None:
    assert (await alice.rest(method, "/logout/")).status_code == 200
    refused = await alice.rest("GET", f"/users/{people.alice.id}/")
    assert refused.status_code == 401
    assert refused.json()["code"] == "token_not_valid"


@pytest.mark.parametrize("path", ["/login_google/", "/google_login/"])
async def test_disabled_google_is_reported(anonymous: Caller, path: str) -> None:
    for body in (
        {"access_token": "x"},
        {"id_token": "x"},
        {"id_token": "x", "nonce": "y"},
        {"code": "x", "redirect_uri": "https://portal.example.org/"},
    ):
        response = await anonymous.rest("POST", path, json=body)
        assert response.status_code == 400
        message = "Google sign-in is not configured on this portal."
        assert response.json() == {"non_field_errors": [message]}
    nothing = await anonymous.rest("POST", path, json={})
    assert nothing.json() == {"access_token": ["This field is required."]}


async def test_the_portals_own_facts_need_no_cluster(alice: Caller, people: People) -> None:
    for slug, value in {
        "portal_user_count": 4,
        "k8s_cluster_name": "KubePortal",
        "portal_version": (await alice.rest("GET", "/")).json()["portal_version"],
    }.items():
        assert (await alice.rest("GET", f"/cluster/{slug}/")).json() == {slug: value}


@pytest.mark.parametrize(
    "slug",
    [
        "k8s_version",
        "k8s_node_count",
        "k8s_cpu_count",
        "k8s_mem_sum",
        "k8s_pod_count",
        "k8s_volume_count",
        "k8s_apiserver_url",
    ],
)
async def test_missing_cluster_is_503_with_advice(alice: Caller, slug: str) -> None:
    response = await alice.rest("GET", f"/cluster/{slug}/")
    assert response.status_code == 503
    assert "KUBECONFIG" in response.json()["detail"]
