"""Personal access tokens: scopes, lifetime, and what ends them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from models import Database, Session, SignInMethod, User
from portal.settings import Settings
from resolvers import sessions
from resolvers.actor import Actor
from resolvers.services import Services
from resolvers.sessions import NewToken, create_token
from tests.callers import SECRET, Caller, Clock, MakeApp, People, called

CREATE = """mutation ($name: String!, $scopes: [Scope!]!, $expiresAt: DateTime) {
  createPersonalAccessToken(input: {name: $name, scopes: $scopes, expiresAt: $expiresAt}) {
    token personalAccessToken { id name scopes expiresAt lastUsedAt } errors { code field } } }"""
CREATE_WITH_DEFAULT = """mutation {
  createPersonalAccessToken(input: {name: "ci", scopes: [READ]}) {
    token personalAccessToken { id expiresAt } errors { code field } } }"""
TOKENS = "{ viewer { personalAccessTokens { id name lastUsedAt address client } } }"
DELETE = "mutation ($id: ID!) { deletePersonalAccessToken(input: {id: $id}) { errors { code } } }"
VIEWER = "{ viewer { username } }"
CHANGE_PASSWORD = """mutation ($old: String!, $new: String!) {
  changePassword(input: {currentPassword: $old, newPassword: $new}) { errors { code } } }"""
RESET_SESSIONS = """mutation ($id: Int!) {
  resetSessions(input: {databaseId: $id}) { errors { code } } }"""
LOGOUT = "mutation { logout { errors { code } } }"

# what each scope opens and no other does
DOORS = {
    "READ": "{ viewer { username groups { name } } clusters { name } }",
    "WRITE": """mutation { updateUser(input: {databaseId: 1, firstName: "Ada"}) {
                  errors { code } } }""",
    "CREDENTIALS": "{ viewer { kubeconfig } }",
    "ADMIN": "{ admin { users { totalCount } } }",
    None: CREATE_WITH_DEFAULT,
}
OPEN = "{ portal { name } viewer { __typename } }"


async def created(caller: Caller, *scopes: str, **given: Any) -> dict[str, Any]:
    answer = await caller.data(CREATE, name="ci", scopes=scopes or ["READ"], **given)
    payload: dict[str, Any] = answer["createPersonalAccessToken"]
    return payload


async def bearer(caller: Caller, *scopes: str) -> Caller:
    token = (await created(caller, *scopes))["token"]
    return Caller(caller.client, {"Authorization": f"Bearer {token}"})


async def test_token_is_stored_as_keyed_hash(
    alice: Caller, database: Database, clock: Clock
) -> None:
    payload = (await alice.data(CREATE_WITH_DEFAULT))["createPersonalAccessToken"]
    token = payload["token"]
    assert token.startswith("kubeportal_pat_")
    end = (clock.now + timedelta(days=30)).isoformat()
    assert payload["personalAccessToken"]["expiresAt"] == end
    database.activate()
    rows = [str(dict(row)) for row in await Session.all().values()]
    assert not any(token.removeprefix("kubeportal_pat_") in row for row in rows)


@pytest.mark.parametrize("scope", ["READ", "WRITE", "CREDENTIALS", "ADMIN"])
async def test_scopes_limit_a_token(admin: Caller, people: People, scope: str) -> None:
    program = await bearer(admin, scope)
    assert await program.codes(OPEN) == []
    for needed, door in DOORS.items():
        answer = await program.graphql(door)
        lacks = [e for e in answer.get("errors", []) if "scope" in e["message"]]
        assert bool(lacks) == (needed != scope), (needed, answer)
        assert all(error["extensions"]["code"] == "FORBIDDEN" for error in lacks)


async def test_token_without_admin_scope_is_no_administrator(admin: Caller, people: People) -> None:
    group = "query ($id: Int!) { node: group(databaseId: $id) { members { totalCount } } }"
    everyone = people.everyone.id
    assert (await admin.data(group, id=everyone))["node"]["members"]["totalCount"] > 1
    program = await bearer(admin, "READ")
    assert (await program.data(group, id=everyone))["node"]["members"]["totalCount"] == 1


async def test_scopes_limit_rest(alice: Caller, people: People) -> None:
    profile, group = f"/users/{people.alice.id}/", f"/groups/{people.developers.id}/"
    reader = await bearer(alice, "READ")
    assert (await reader.rest("GET", group)).status_code == 200
    assert (await reader.rest("PATCH", profile, json={"firstname": "Ada"})).status_code == 403
    # the profile of REST holds a token for the cluster
    assert (await reader.rest("GET", profile)).status_code == 403
    both = await bearer(alice, "READ", "CREDENTIALS")
    assert (await both.rest("GET", profile)).status_code == 200


async def test_owner_sees_and_deletes_tokens(alice: Caller, bob: Caller, clock: Clock) -> None:
    program = await bearer(alice, "READ")
    [token] = (await alice.data(TOKENS))["viewer"]["personalAccessTokens"]
    assert (token["name"], token["lastUsedAt"], token["address"]) == ("ci", None, "")
    assert (await program.data(VIEWER))["viewer"]
    [token] = (await alice.data(TOKENS))["viewer"]["personalAccessTokens"]
    assert (token["lastUsedAt"], token["address"]) == (clock.now.isoformat(), "127.0.0.1")
    deleted = "deletePersonalAccessToken"
    assert (await bob.data(DELETE, id=token["id"]))[deleted]["errors"] == [{"code": "NOT_FOUND"}]
    assert (await alice.data(DELETE, id=token["id"]))[deleted]["errors"] == []
    assert (await program.data(VIEWER))["viewer"] is None


async def test_token_expires_and_is_never_idle(alice: Caller, clock: Clock) -> None:
    program = await bearer(alice)
    clock.advance(days=29, hours=23)
    assert (await program.data(VIEWER))["viewer"]
    clock.advance(hours=1)
    assert (await program.data(VIEWER))["viewer"] is None


async def test_closed_account_loses_tokens(alice: Caller, admin: Caller, people: People) -> None:
    program = await bearer(alice)
    people.alice.is_active = False
    await people.alice.save()
    assert (await program.data(VIEWER))["viewer"] is None


async def test_logout_deletes_token(alice: Caller) -> None:
    program = await bearer(alice)
    await program.data(LOGOUT)
    assert (await alice.data(TOKENS))["viewer"]["personalAccessTokens"] == []


async def test_token_takes_a_recent_sign_in(alice: Caller, clock: Clock) -> None:
    clock.advance(minutes=16)
    payload = await created(alice)
    assert payload["token"] is None
    assert payload["errors"] == [{"code": "FORBIDDEN", "field": None}]


@pytest.mark.parametrize(
    ("name", "scopes", "days", "field"),
    [
        (" ", ["READ"], 1, "name"),
        ("x" * 101, ["READ"], 1, "name"),
        ("a\0b", ["READ"], 1, "name"),
        ("ci", [], 1, "scopes"),
        ("ci", ["READ"], 0, "expiresAt"),
        ("ci", ["READ"], 367, "expiresAt"),
    ],
)
async def test_invalid_token_input(
    alice: Caller, clock: Clock, name: str, scopes: list[str], days: int, field: str
) -> None:
    end = (clock.now + timedelta(days=days)).isoformat()
    answer = await alice.data(CREATE, name=name, scopes=scopes, expiresAt=end)
    assert answer["createPersonalAccessToken"]["errors"] == [
        {"code": "BAD_USER_INPUT", "field": field}
    ]


@pytest.mark.database
async def test_at_most_50_tokens(alice: Caller) -> None:
    for _ in range(45):
        assert (await created(alice))["token"]
    payloads = await asyncio.gather(*(created(alice) for _ in range(15)))
    assert sum(payload["token"] is not None for payload in payloads) == 5
    refusals = [payload["errors"] for payload in payloads if payload["errors"]]
    assert refusals == [[{"code": "BAD_USER_INPUT", "field": None}]] * 10


@pytest.mark.parametrize("change", [None, {"is_active": False}], ids=str)
async def test_sr17_token_in_progress_ends_with_its_session(
    alice: Caller,
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any] | None,
) -> None:
    """The request was authenticated before."""

    async def overtaken(services: Services, actor: Actor, new: NewToken) -> Any:
        if change:
            await User.filter(id=people.alice.id).update(**change)
        else:
            await Session.all().delete()
        return await create_token(services, actor, new)

    monkeypatch.setattr(sessions, "create_token", overtaken)
    payload = await created(alice)
    assert payload["token"] is None
    assert payload["errors"] == [{"code": "UNAUTHENTICATED", "field": None}]
    assert not await Session.exists(method=SignInMethod.TOKEN)


@pytest.mark.database
@pytest.mark.parametrize("ends_by", ["changePassword", "resetSessions"])
async def test_sr17_no_token_outlives_a_concurrent_end(
    alice: Caller, anonymous: Caller, admin: Caller, people: People, ends_by: str
) -> None:
    """A thief creates tokens in a session of the owner."""
    thief = await anonymous.sign_in("alice", "correct horse")
    making = [asyncio.create_task(created(thief)) for _ in range(40)]
    if ends_by == "changePassword":
        await alice.data(CHANGE_PASSWORD, old="correct horse", new="purple monkey 42")
    else:
        await admin.data(RESET_SESSIONS, id=people.alice.id)
    payloads = await asyncio.gather(*making)
    assert {e["code"] for p in payloads for e in p["errors"]} <= {"UNAUTHENTICATED"}
    assert not await Session.exists(user_id=people.alice.id, method=SignInMethod.TOKEN)


@pytest.mark.parametrize("rest", ["", "x", "x" * 5000])
async def test_malformed_token_is_anonymous(anonymous: Caller, people: People, rest: str) -> None:
    program = Caller(anonymous.client, {"Authorization": f"Bearer kubeportal_pat_{rest}"})
    assert (await program.data(VIEWER))["viewer"] is None


async def test_key_rotation_keeps_tokens_and_sessions(
    alice: Caller, settings: Settings, make_app: MakeApp
) -> None:
    program = await bearer(alice)
    key = SecretStr("a new key which is long enough for all")

    async def portal_with(*keys: SecretStr) -> Starlette:
        changed = settings.model_copy(update={"secret_key": keys})
        return make_app(changed)

    both = await portal_with(key, SecretStr(SECRET))
    async with called(both) as client:
        for caller in (program, alice):
            assert (await Caller(client, caller.headers).data(VIEWER))["viewer"]
    new = await portal_with(key)
    async with called(new) as client:
        assert (await Caller(client, program.headers).data(VIEWER))["viewer"]
        assert (await Caller(client, alice.headers).data(VIEWER))["viewer"] is None
