"""Everything is done once with secrets that can be recognised, then all output is searched."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.cluster.proxy import kubeconfig_of
from tests.live.processes import kubeportal, running
from tests.security.outside import DISCOVERY, outside
from tests.sockets import PROTOCOL

pytestmark = pytest.mark.database

# As `kubeportal serve`, but that everything is logged which any library has to say
SERVE = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from portal.cli.main import main
main()
"""
PLANTED = {
    "password": "planted-passphrase-of-root",
    "new password": "planted-passphrase-to-come",
    "wrong password": "planted-passphrase-mistyped",
    "password of somebody else": "planted-passphrase-of-mallory",
    "password in a file": "planted-passphrase-declared",
    "password as a user name": "planted-passphrase-misplaced",
    "signing key": "planted-signing-key-which-is-long-enough",
    "Google secret": "planted-google-secret",
    "Google token": "planted-google-token",
    "authorization code": "planted-authorization-code",
    "mail password": "planted-mail-password",
    "database password": "planted-database-password",
    "service account token": "planted-service-account-token",
}
# The last one is right
DECLARATIONS = (
    "users: [{{username: eve, password: {}, groups: [Nope]}}]",
    "users: [{{username: eve, password: [{}]}}]",
    "users: [{{username: eve, passwords: {}}}]",
    "users: [{{username: eve, password: {}",
    "users: [{{username: eve, passwordHash: {}}}]",
    "users: [{{username: eve, password: {}}}]",
)


@dataclass
class Seen:
    """All that came out; `secrets` are those that were made on the way."""

    texts: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=lambda: dict(PLANTED))

    def leaks(self) -> set[str]:
        everything = "\n".join(self.texts)
        return {name for name, value in self.secrets.items() if value in everything}


@dataclass
class Visitor:
    """A user who runs every operation; all responses except requested secrets are searched."""

    address: str
    seen: Seen
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        return self.post("/graphql", {"query": query, "variables": variables})

    def post(self, path: str, body: Any, *, is_seen: bool = True) -> dict[str, Any]:
        answer = httpx2.post(f"{self.address}{path}", json=body, headers=self.headers, timeout=30)
        if is_seen:
            self.seen.texts += [str(answer.headers), answer.text]
        found: dict[str, Any] = answer.json()
        return found

    def get(self, path: str, *, is_seen: bool = True) -> httpx2.Response:
        answer = httpx2.get(f"{self.address}{path}", headers=self.headers, timeout=30)
        if is_seen:
            self.seen.texts += [str(answer.headers), answer.text]
        return answer

    def sign_in(self, password: str) -> None:
        credentials = {"username": "root", "password": password}
        answer = self.post("/api/v1.4.0/login/", credentials, is_seen=False)
        self.bear(f"access token {len(self.seen.secrets)}", answer["access_token"])

    def bear(self, name: str, token: str) -> None:
        self.seen.secrets[name] = token
        self.headers = {"Authorization": f"Bearer {token}"}


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def variables(database_url: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    with outside(PLANTED["service account token"]) as address:
        (tmp_path / "kubeconfig").write_text(kubeconfig_of(address))
        yield {
            "KUBEPORTAL_DATABASE_URL": with_password(database_url),
            "KUBEPORTAL_SECRET_KEY": PLANTED["signing key"],
            "KUBEPORTAL_AUTH_GOOGLE_KEY": "client",
            "KUBEPORTAL_AUTH_GOOGLE_SECRET": PLANTED["Google secret"],
            "KUBEPORTAL_AUTH_GOOGLE_DISCOVERY_URL": f"{address}{DISCOVERY}",
            "KUBEPORTAL_AUTH_GOOGLE_TOKENINFO_URL": f"{address}/tokeninfo",
            "KUBEPORTAL_SMTP_URL": f"smtp://mailer:{PLANTED['mail password']}@127.0.0.1:9",
            "KUBEPORTAL_GRAPHQL_DOCUMENTS": "report",
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            "WEBSOCKETS_MAX_LOG_SIZE": "100000",
        }


def with_password(url: str) -> str:
    return url.replace("kubeportal@", f"kubeportal:{PLANTED['database password']}@")


async def test_sr28_secrets_are_not_logged_or_stored(
    seen: Seen, variables: dict[str, str], database_kind: str, database_url: str, tmp_path: Path
) -> None:
    make_root(seen, variables, tmp_path)
    command = [sys.executable, "-c", SERVE, "serve"]
    with running(command, folder=tmp_path, **variables) as address:
        visitor = Visitor(address, seen)
        sign_in_badly(visitor)
        visitor.sign_in(PLANTED["password"])
        get_credentials(visitor)
        ask_badly(visitor)
        talk_over_a_socket(visitor)
        administrate(visitor)
        if database_kind == "sqlite":
            with broken(tmp_path):
                ask_badly(visitor)
                sign_in_badly(visitor)
        visitor.ask("mutation { logout { errors { message } } }")
    logged = (tmp_path / f"{address.rpartition(':')[2]}.log").read_text()
    assert "Not trusted: " in logged
    assert "unexpected error" in logged or database_kind == "postgres"
    seen.texts.append(logged)
    kept = rows(tmp_path) if database_kind == "sqlite" else await rows_of(database_url)
    assert any("mallory" in row for row in kept)
    seen.texts += kept
    assert seen.leaks() == set()
    assert '"WebSocket /graphql" [accepted]' in logged


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_sr28_command_errors_hold_no_secret(
    seen: Seen, variables: dict[str, str], tmp_path: Path
) -> None:
    plain, secret = PLANTED["password in a file"], PLANTED["database password"]
    statuses = [make_root(seen, variables, tmp_path), make_root(seen, variables, tmp_path)]
    assert statuses == [0, 1]
    for text in DECLARATIONS:
        (tmp_path / "portal.yaml").write_text(text.format(plain))
        outcome = run("apply", "-f", "portal.yaml", seen=seen, folder=tmp_path, **variables)
    assert outcome == 0
    nowhere = f"postgres://portal:{secret}@127.0.0.1:9/portal"
    for url in (nowhere, f"postgres://portal:{secret}@host:port/x", f"mysql://{secret}@x/y"):
        others = {**variables, "KUBEPORTAL_DATABASE_URL": url}
        assert run("migrate", seen=seen, folder=tmp_path, **others) == 1
        assert run("import-legacy", url, seen=seen, folder=tmp_path, **variables) == 1
    for url in (f"smtp://mailer:{PLANTED['mail password']}@host:port", PLANTED["mail password"]):
        others = {**variables, "KUBEPORTAL_SMTP_URL": url}
        assert run("serve", seen=seen, folder=tmp_path, **others) == 1
    assert "kubeportal: " in "".join(seen.texts)
    assert seen.leaks() == set()


def make_root(seen: Seen, variables: dict[str, str], folder: Path) -> int:
    create = ("user", "create", "root", "--superuser", "--password-stdin")
    email = ("--email", "root@example.org")
    stdin = PLANTED["password"]
    return run(*create, *email, seen=seen, folder=folder, stdin=stdin, **variables)


def run(*arguments: str, seen: Seen, folder: Path, stdin: str = "", **variables: str) -> int:
    done = kubeportal(*arguments, folder=folder, stdin=stdin, **variables)
    seen.texts += [done.stdout, done.stderr]
    return done.returncode


def sign_in_badly(visitor: Visitor) -> None:
    wrong, misplaced = PLANTED["wrong password"], PLANTED["password as a user name"]
    for given in (
        {"username": "root", "password": wrong},
        {"username": misplaced, "password": "x"},
    ):
        visitor.post("/api/v1.4.0/login/", given)
        visitor.post("/api/v1.4.0/login/", [given])
        visitor.ask(
            "mutation ($username: String!, $password: String!) { login(input: {username:"
            " $username, password: $password}) { errors { message } } }",
            **given,
        )
    visitor.post("/api/v1.4.0/login_google/", {"access_token": PLANTED["Google token"]})
    google = "mutation ($input: LoginWithGoogleInput!) { loginWithGoogle(input: $input) {"
    google += " errors { message } } }"
    code = {"code": PLANTED["authorization code"], "redirectUri": "http://localhost/"}
    for given_input in (
        {"accessToken": PLANTED["Google token"]},
        {"idToken": PLANTED["Google token"]},
        {"code": {**code, "codeVerifier": "x" * 43}},
    ):
        visitor.ask(google, input=given_input)


def get_credentials(visitor: Visitor) -> None:
    """These are the answers of which the secrets are the sense."""
    visitor.ask(
        "mutation { updateUser(input: {databaseId: 1, firstName: 7}) { errors { message } } }"
    )
    session = visitor.headers
    made = visitor.post(
        "/graphql",
        {
            "query": 'mutation { createPersonalAccessToken(input: {name: "ci", scopes: [READ]}) {'
            " token errors { message } } }"
        },
        is_seen=False,
    )
    visitor.bear("personal access token", made["data"]["createPersonalAccessToken"]["token"])
    visitor.ask("{ viewer { username personalAccessTokens { name client lastUsedAt } } }")
    visitor.headers = session
    tokens = "{ viewer { serviceAccount { token { value } } } }"
    visitor.post("/graphql", {"query": tokens}, is_seen=False)
    visitor.get("/kubeconfig", is_seen=False)
    visitor.get("/kubeconfig?exec=true")
    visitor.get("/kubeconfig?expiresInSeconds=x")
    visitor.ask("{ viewer { credentialIssues { edges { node { address client } } } } }")
    visitor.ask("{ admin { users(first: 5) { edges { node { username primaryEmail } } } } }")


def ask_badly(visitor: Visitor) -> None:
    """With a password in the text, as people do who try something out."""
    secret = PLANTED["password of somebody else"]
    login = f'login(input: {{username: "root", password: "{secret}"'
    for document in (
        f"mutation {{ {login}}}) {{ errors {{ message }} }} }}",
        f"mutation {{ {login}, nope: 1}}) {{ errors {{ message }} }} }}",
        f"mutation {{ {login}}}) {{ nope }} }}",
        f"mutation {{ {login}",
        f"mutation M($p: Int) {{ {login}}}) {{ errors {{ message }} }} }}",
    ):
        visitor.ask(document)
        visitor.post("/graphql", {"query": document, "operationName": "Nope"})
        visitor.post("/graphql", {"query": document, "extensions": {"persistedQuery": 7}})
    whole = "mutation ($input: LoginInput!) { login(input: $input) { expiresAt } }"
    for given in ({"password": secret}, {"pass": secret, "username": "root"}, [{"pass": secret}]):
        visitor.ask(whole, input=given)
        visitor.ask(whole, input={"username": "root", "password": given})
    visitor.ask("query ($id: Int!) { user(databaseId: $id) { id } }", id=1)
    visitor.get("/api/v1.4.0/users/1/")
    visitor.get("/kubeconfig?exec=true")


def talk_over_a_socket(visitor: Visitor) -> None:
    """With a token where none belongs: in the address, and in a header."""
    token = visitor.headers["Authorization"].removeprefix("Bearer ")
    address = f"{visitor.address.replace('http', 'ws', 1)}/graphql?access_token={token}"
    secret = PLANTED["password of somebody else"]
    login = f'mutation {{ login(input: {{username: "root", password: "{secret}"}}) {{ nope }} }}'
    protocols = [Subprotocol(PROTOCOL)]
    with connect(
        address, subprotocols=protocols, proxy=None, additional_headers=visitor.headers
    ) as socket:
        socket.send(json.dumps({"type": "connection_init", "payload": visitor.headers}))
        socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": login}}))
        visitor.seen.texts += [str(socket.recv(10)) for _ in range(2)]


def administrate(visitor: Visitor) -> None:
    new, other = PLANTED["new password"], PLANTED["password of somebody else"]
    visitor.ask(
        'mutation ($p: String!) { createUser(input: {username: "mallory", password: $p}) {'
        " user { username } errors { message } } }",
        p=other,
    )
    for password in ("short", other):
        visitor.ask(
            "mutation ($p: String!) { setPassword(input: {databaseId: 2, password: $p}) {"
            " errors { message } } }",
            p=password,
        )
    change = "mutation ($old: String!, $new: String!) { changePassword(input: {currentPassword:"
    change += " $old, newPassword: $new}) { errors { message } } }"
    visitor.ask(change, old=PLANTED["wrong password"], new=new)
    visitor.ask(change, old=PLANTED["password"], new=new)
    visitor.sign_in(new)
    visitor.ask('mutation { requestAccess(input: {reason: "x"}) { errors { message } } }')
    visitor.ask("{ admin { auditEvents(first: 50) { edges { node { kind details } } } } }")


@contextmanager
def broken(folder: Path) -> Iterator[None]:
    """While the database lacks a table, every look at an account is a failure of ours."""

    def rename(old: str, new: str) -> None:
        with closing(sqlite3.connect(folder / "empty.sqlite3")) as connection:
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}")

    rename("users", "lost")
    yield
    rename("lost", "users")


def rows(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "empty.sqlite3")) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [
            str(connection.execute(f'SELECT * FROM "{name}"').fetchall())  # noqa: S608
            for (name,) in tables.fetchall()
        ]


async def rows_of(url: str) -> list[str]:
    """The same of PostgreSQL."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        return [
            str([tuple(row) for row in await connection.fetch(f'SELECT * FROM "{name}"')])  # noqa: S608
            for (name,) in tables
        ]
    finally:
        await connection.close()
