"""A session that ends on one replica ends immediately on the other one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.callers import SECRET
from tests.live.processes import kubeportal, serving

PASSWORD = "correct horse"
LOGIN = """mutation ($username: String!, $password: String!) {
  login(input: {username: $username, password: $password}) {
    accessToken user { databaseId } errors { message } } }"""
SESSIONS = "{ viewer { sessions { id isCurrent } } }"
CREATE_TOKEN = """mutation { createPersonalAccessToken(input: {name: "ci", scopes: [READ]}) {
  token personalAccessToken { id } errors { message } } }"""
ENDS = {
    "logout": "mutation { logout { errors { message } } }",
    "a session is ended": "mutation ($id: ID!) { endSession(input: {id: $id}) {"
    " errors { message } } }",
    "all others are ended": "mutation { endOtherSessions { errors { message } } }",
    "the password is changed": "mutation ($old: String!, $new: String!) { changePassword(input:"
    " {currentPassword: $old, newPassword: $new}) { errors { message } } }",
    "an administrator sets the password": "mutation ($user: Int!, $new: String!) {"
    " setPassword(input: {databaseId: $user, password: $new}) { errors { message } } }",
    "an administrator ends all": "mutation ($user: Int!) {"
    " resetSessions(input: {databaseId: $user}) { errors { message } } }",
    "the account is closed": "mutation ($user: Int!) { updateUserAsAdmin(input:"
    " {databaseId: $user, isActive: false, version: 1}) { errors { message } } }",
    "the account is deleted": "mutation ($user: Int!) { deleteUser(input:"
    " {databaseId: $user, version: 1}) { errors { message } } }",
}
BY_ADMIN = {name for name, document in ENDS.items() if "$user" in document}
# A token may be the work of whoever knew the password
ENDS_TOKENS = BY_ADMIN | {"the password is changed"}


@dataclass(frozen=True)
class Signed:
    """A caller with a credential that is valid at every replica."""

    user: int
    token: str

    def is_admitted(self, address: str) -> bool:
        return graphql(address, self.token, "{ viewer { username } }") is not None


def graphql(address: str, token: str, document: str, **variables: Any) -> Any:
    """The value of the only root field, which has no errors."""
    answer = httpx2.post(
        f"{address}/graphql",
        json={"query": document, "variables": variables},
        headers={"Authorization": f"Bearer {token}"} if token else {},
        timeout=30,
    ).json()
    assert "errors" not in answer, answer
    [value] = answer["data"].values()
    assert not (value or {}).get("errors"), answer
    return value


def sign_in(address: str, username: str) -> Signed:
    payload = graphql(address, "", LOGIN, username=username, password=PASSWORD)
    return Signed(payload["user"]["databaseId"], payload["accessToken"])


@pytest.fixture
def database_kind() -> str:
    """Of replicas, each has to reach the database."""
    return "postgres"


@pytest.fixture
def variables(database_url: str) -> dict[str, str]:
    return {"KUBEPORTAL_DATABASE_URL": database_url, "KUBEPORTAL_SECRET_KEY": SECRET}


@pytest.fixture
def replicas(variables: dict[str, str], tmp_path: Path) -> Iterator[list[str]]:
    create = ("user", "create", "admin", "--superuser", "--password-stdin")
    made = kubeportal(*create, folder=tmp_path, stdin=f"{PASSWORD}\n", **variables)
    assert made.returncode == 0, made.stderr
    with ExitStack() as stack:
        yield [stack.enter_context(serving(folder=tmp_path, **variables)) for _ in range(2)]


async def test_sr39_session_ends_on_all_replicas(replicas: list[str]) -> None:
    here, there = replicas
    admin = sign_in(here, "admin")
    create = "mutation ($name: String!) { createUser(input: {username: $name, password:"
    create += f' "{PASSWORD}"}}) {{ errors {{ message }} }} }}'
    for number, (how, document) in enumerate(ENDS.items()):
        graphql(here, admin.token, create, name=f"user-{number}")
        one, another = (sign_in(there, f"user-{number}") for _ in range(2))
        made = graphql(here, one.token, CREATE_TOKEN)
        token = Signed(one.user, made["token"])
        everything = [one, another, token]
        assert all(each.is_admitted(at) for each in everything for at in replicas), how
        sessions = graphql(here, one.token, SESSIONS)["sessions"]
        [other] = [each["id"] for each in sessions if not each["isCurrent"]]
        given = {"id": other, "old": PASSWORD, "new": f"{PASSWORD} again", "user": one.user}
        used = {name: value for name, value in given.items() if f"${name}:" in document}
        by = another if how == "logout" else admin if how in BY_ADMIN else one
        graphql(here, by.token, document, **used)
        left = [] if how in BY_ADMIN else [one]
        if how not in ENDS_TOKENS:
            left.append(token)
        assert [each for each in everything if each.is_admitted(here)] == left, how
        assert [each for each in everything if each.is_admitted(there)] == left, how


async def test_sr39_deleted_token_ends_on_all_replicas(replicas: list[str]) -> None:
    here, there = replicas
    admin = sign_in(here, "admin")
    made = graphql(here, admin.token, CREATE_TOKEN)
    token = Signed(admin.user, made["token"])
    assert token.is_admitted(there)
    delete = "mutation ($id: ID!) { deletePersonalAccessToken(input: {id: $id}) {"
    delete += " errors { message } } }"
    graphql(here, admin.token, delete, id=made["personalAccessToken"]["id"])
    assert not any(token.is_admitted(address) for address in replicas)
    assert admin.is_admitted(there)
