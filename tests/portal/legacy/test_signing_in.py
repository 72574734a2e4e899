"""Everybody goes on with the password and the addresses of the former portal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from models import (
    User,
)
from tests.callers import Caller
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    PASSWORDS,
    Rows,
)

pytestmark = pytest.mark.database

RECORDED = Path(__file__).parents[4] / "shared" / "legacy" / "kubeportal-0.5.0.sqlite3"


@pytest.mark.parametrize("username", sorted(PASSWORDS))
async def test_the_old_password_signs_in(
    username: str, rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    password = PASSWORDS[username]
    body = {"username": username, "password": password}
    assert (await anonymous.rest("POST", "/login/", json=body)).status_code == 200
    upgraded = await User.get(username=username)
    assert (upgraded.password_hash or "").startswith("$argon2id$")
    await anonymous.sign_in(username, password)


async def test_a_closed_account_stays_closed(
    rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    body = {"username": "eve", "password": "bobpw"}
    assert (await anonymous.rest("POST", "/login/", json=body)).status_code == 400


async def test_the_rest_api_answers_as_before(
    rows: Rows, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(rows)
    alice = await anonymous.sign_in("alice", "alicepw")
    user = (await alice.rest("GET", "/users/2/")).json()
    assert user | {"k8s_token": None} == {
        "firstname": "Alice",
        "name": "Anders",
        "username": "alice",
        "primary_email": "alice@example.org",
        "all_emails": ["alice@example.org", "alice@alt.example.org", "a@example.org"],
        "admin": False,
        "k8s_serviceaccount": "default:default",
        "k8s_namespace": "default",
        "k8s_token": None,
    }
    assert (await alice.rest("GET", "/groups/3/")).json() == {"name": "Developers"}
    assert (await alice.rest("GET", "/webapps/1/")).json() == {
        "link_name": "Grafana",
        "link_url": "https://grafana.example.org/",
    }
    assert (await alice.rest("GET", "/webapps/2/")).status_code == 403
    assert (await alice.rest("GET", "/webapps/4/")).json()["link_name"] == "Dashboard of default"


@pytest.fixture
def recorded() -> str:
    """A database that release 0.5.0 has made."""
    if not RECORDED.exists():
        pytest.skip(f"no recorded database {RECORDED}")
    return str(RECORDED)


async def test_a_recorded_database_is_taken_over(recorded: str, take_over: TakeOver) -> None:
    report = await take_over(place=recorded)
    assert report.release == "0.4 or 0.5"
    assert {name: counts.new for name, counts in report.tables.items()} == {
        "web apps": 5,
        "grants": 5,
        "groups": 5,
        "users": 8,
        "memberships": 2,
        "identities": 0,
        "verified addresses": 0,
        "service accounts": 2,
        "namespaces": 2,
    }


async def by_rest(anonymous: Caller, username: str, password: str) -> Caller:
    body = {"username": username, "password": password}
    answer = await anonymous.rest("POST", "/login/", json=body)
    assert answer.status_code == 200
    return Caller(anonymous.client, {"Authorization": f"Bearer {answer.json()['access_token']}"})


@pytest.mark.parametrize("sign_in", [by_rest, Caller.sign_in], ids=["REST", "GraphQL"])
async def test_everybody_of_a_recorded_database_signs_in(
    sign_in: Callable[[Caller, str, str], Awaitable[Caller]],
    recorded: str,
    take_over: TakeOver,
    anonymous: Caller,
) -> None:
    await take_over(place=recorded)
    for user in await User.filter(is_active=True):
        name = user.username
        await sign_in(anonymous, name, "pässwörd✓" if name == "jürgen" else f"{name}pw")
        await user.refresh_from_db()
        assert (user.password_hash or "").startswith("$argon2id$")


async def test_the_rest_api_answers_as_the_recorded_portal_did(
    recorded: str, take_over: TakeOver, anonymous: Caller
) -> None:
    await take_over(place=recorded)
    alice = await by_rest(anonymous, "alice", "alicepw")
    answers = {
        path: (await alice.rest("GET", path)).json()
        for path in ("/users/2/", "/groups/3/", "/webapps/1/")
    }
    assert answers == {
        "/users/2/": {
            "firstname": "Alice",
            "name": "Anders",
            "username": "alice",
            "primary_email": "alice@example.org",
            "all_emails": ["alice@example.org", "alice@alt.example.org"],
            "admin": False,
            "k8s_serviceaccount": "default:default",
            "k8s_namespace": "default",
            "k8s_token": None,
        },
        "/groups/3/": {"name": "Developers"},
        "/webapps/1/": {"link_name": "Grafana", "link_url": "https://grafana.example.org/"},
    }
