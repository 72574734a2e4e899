"""Who gets which status where: actor × route."""

from __future__ import annotations

import pytest

from models import User
from tests.callers import Caller, People

ROUTES = {
    # route: anonymous, owner, other user, administrator, deactivated user, logged-out token
    "GET /": (200, 200, 200, 200, 200, 200),
    "GET /cluster/portal_version/": (401, 200, 200, 200, 401, 401),
    "GET /cluster/portal_user_count/": (401, 200, 200, 200, 401, 401),
    "GET /cluster/k8s_cluster_name/": (401, 200, 200, 200, 401, 401),
    "GET /cluster/k8s_node_count/": (401, 503, 503, 503, 401, 401),
    "GET /cluster/unknown/": (401, 404, 404, 404, 401, 401),
    "GET /webapps/{grafana}/": (401, 200, 403, 403, 401, 401),
    "GET /webapps/{dashboard}/": (401, 200, 200, 200, 401, 401),
    "GET /webapps/{hidden}/": (401, 403, 403, 403, 401, 401),
    "GET /webapps/404/": (401, 404, 404, 404, 401, 401),
    "GET /groups/{developers}/": (401, 200, 403, 403, 401, 401),
    "GET /groups/{everyone}/": (401, 200, 200, 200, 401, 401),
    "GET /groups/404/": (401, 404, 404, 404, 401, 401),
    "GET /users/{alice}/": (401, 200, 403, 403, 401, 401),
    "GET /users/404/": (401, 404, 404, 404, 401, 401),
    "GET /users/{alice}/webapps/": (401, 200, 403, 403, 401, 401),
    "GET /users/404/webapps/": (401, 404, 404, 404, 401, 401),
    "GET /users/{alice}/groups/": (401, 200, 403, 403, 401, 401),
    "GET /users/404/groups/": (401, 404, 404, 404, 401, 401),
    "PATCH /users/{alice}/": (401, 204, 403, 403, 401, 401),
    "PATCH /users/404/": (401, 404, 404, 404, 401, 401),
    "POST /login/": (200, 200, 200, 200, 200, 200),
    "POST /login_google/": (400, 400, 400, 400, 400, 400),
    "POST /google_login/": (400, 400, 400, 400, 400, 400),
    "GET /logout/": (200, 200, 200, 200, 200, 200),
    "POST /logout/": (200, 200, 200, 200, 200, 200),
    "GET /users/": (404, 404, 404, 404, 404, 404),
    "GET /webapps/": (404, 404, 404, 404, 404, 404),
    "GET /groups/": (404, 404, 404, 404, 404, 404),
}
BODIES = {
    "PATCH": {"firstname": "New"},
    "POST /login/": {"username": "bob", "password": "correct horse"},
    "POST /login_google/": {"access_token": "x"},
    "POST /google_login/": {"access_token": "x"},
}


@pytest.mark.parametrize("route", ROUTES)
async def test_every_actor_gets_the_expected_status(
    anonymous: Caller, alice: Caller, bob: Caller, admin: Caller, people: People, route: str
) -> None:
    closed = await anonymous.sign_in("bob", "correct horse")
    await User.filter(username="carol").update(is_active=True)
    closed = await anonymous.sign_in("carol", "correct horse")
    await User.filter(username="carol").update(is_active=False)
    gone = await anonymous.sign_in("alice", "correct horse")
    await gone.data("mutation { logout { errors { message } } }")
    method, _, template = route.partition(" ")
    path = template.format_map({name: row.id for name, row in vars(people).items()})
    body = BODIES.get(route) or BODIES.get(method)
    callers = (anonymous, alice, bob, admin, closed, gone)
    statuses = tuple(
        [(await caller.rest(method, path, json=body)).status_code for caller in callers]
    )
    assert statuses == ROUTES[route]
