"""A database that release 0.5.0 has written: its users keep their passwords and their API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from models import User
from tests.callers import Caller
from tests.portal.legacy.conftest import Import
from tests.portal.legacy.former import Rows

RECORDED = Path(__file__).parents[4] / "shared" / "legacy" / "kubeportal-0.5.0.sqlite3"


@pytest.fixture
def recorded() -> str:
    if not RECORDED.exists():
        pytest.skip(f"no recorded database {RECORDED}")
    return str(RECORDED)


@pytest.mark.database
async def test_recorded_database(recorded: str, import_rows: Import) -> None:
    report = await import_rows(place=recorded)
    assert report.release == "0.4 or 0.5"
    assert {title: counts.created for title, counts in report.tables.items()} == {
        "web apps": 5,
        "grants": 5,
        "groups": 5,
        "users": 8,
        "memberships": 2,
        "identities": 0,
        "verified addresses": 0,
        "service accounts": 2,
    }


async def by_rest(anonymous: Caller, username: str, password: str) -> Caller:
    body = {"username": username, "password": password}
    answer = await anonymous.rest("POST", "/login/", json=body)
    assert answer.status_code == 200
    return Caller(anonymous.client, {"Authorization": f"Bearer {answer.json()['access_token']}"})


@pytest.mark.parametrize("sign_in", [by_rest, Caller.sign_in], ids=["REST", "GraphQL"])
async def test_every_user_signs_in(
    sign_in: Callable[[Caller, str, str], Awaitable[Caller]],
    recorded: str,
    import_rows: Import,
    anonymous: Caller,
) -> None:
    await import_rows(place=recorded)
    for user in await User.filter(is_active=True):
        name = user.username
        await sign_in(anonymous, name, "pässwörd✓" if name == "jürgen" else f"{name}pw")
        await user.refresh_from_db()
        assert (user.password_hash or "").startswith("$argon2id$")


async def test_closed_account_stays_closed(
    rows: Rows, import_rows: Import, anonymous: Caller
) -> None:
    await import_rows(rows)
    body = {"username": "eve", "password": "bobpw"}
    assert (await anonymous.rest("POST", "/login/", json=body)).status_code == 400


async def test_rest_api_answers_as_recorded(
    recorded: str, import_rows: Import, anonymous: Caller
) -> None:
    await import_rows(place=recorded)
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
