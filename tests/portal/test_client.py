"""`kubeportal login` and `kubeportal credential`, as people and kubectl run them."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cluster.cluster import Clusters
from models import CredentialIssue, Session
from tests.callers import Caller, Clock, People
from tests.issuing import IssuingCluster

pytestmark = pytest.mark.sockets

VERSION = "client.authentication.k8s.io/v1"
PROGRAM = [sys.executable, "-c", "from portal.cli.main import main; main()"]


@dataclass
class Outcome:
    status: int | None
    output: str
    stderr: str


@dataclass
class Command:
    """The command of a user with a home directory."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    async def __call__(self, *arguments: str, text: str = "") -> Outcome:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **self.environment,
        }
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
        )
        output, stderr = await process.communicate(text.encode())
        return Outcome(process.returncode, output.decode(), stderr.decode())

    @property
    def file(self) -> Path:
        return self.home / ".config" / "kubeportal" / "token"


@pytest.fixture
def database_kind() -> str:
    """The client does not know it."""
    return "sqlite"


@pytest.fixture
def clusters(clock: Clock) -> Clusters:
    return Clusters([IssuingCluster(clock).as_cluster()])


@pytest.fixture
def command(tmp_path: Path) -> Command:
    home = tmp_path / "home"
    home.mkdir()
    return Command(home)


@pytest.fixture
def server(anonymous: Caller, people: People) -> str:
    return str(anonymous.client.base_url).rstrip("/")


async def sign_in(command: Command, server: str, text: str = "correct horse\n") -> Outcome:
    arguments = ("--server", server, "--username", "alice", "--password-stdin")
    return await command("login", *arguments, text=text)


def one_line(outcome: Outcome, status: int = 1) -> str:
    """What a refused command says, and nothing else."""
    assert (outcome.status, outcome.output) == (status, "")
    assert outcome.stderr.startswith("kubeportal: ")
    assert outcome.stderr.count("\n") == 1
    return outcome.stderr


async def test_login_then_credential(command: Command, server: str, clock: Clock) -> None:
    signed_in = await sign_in(command, f"{server}/")
    assert (signed_in.status, signed_in.output) == (0, "")
    assert f"Signed in to {server} until" in signed_in.stderr
    outcome = await command("credential", "--server", server, "--cluster", "north")
    assert (outcome.status, outcome.stderr) == (0, "")
    answer = json.loads(outcome.output)
    assert (answer["apiVersion"], answer["kind"]) == (VERSION, "ExecCredential")
    assert answer["status"]["token"] == "secret-1-of-alice"
    assert answer["status"]["expirationTimestamp"] > clock.now.isoformat()
    [issue] = await CredentialIssue.all()
    assert (issue.kind, issue.client) == ("EXEC", "kubeportal")


async def test_cached_tokens_are_readable_by_owner_only(command: Command, server: str) -> None:
    await sign_in(command, server)
    assert stat.S_IMODE(command.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(command.file.parent.stat().st_mode) == 0o700
    command.file.chmod(0o640)
    refused = one_line(await command("credential", "--server", server))
    assert f"chmod 600 {command.file}" in refused
    assert one_line(await sign_in(command, server)) == refused


async def test_the_tokens_of_several_portals_are_kept(command: Command, server: str) -> None:
    command.file.parent.mkdir(parents=True)
    command.file.write_text('{"https://other.example.org": "theirs"}')
    command.file.chmod(0o600)
    await sign_in(command, server)
    kept = json.loads(command.file.read_text())
    assert kept.keys() == {"https://other.example.org", server}
    assert [file.name for file in command.file.parent.iterdir()] == ["token"]


async def test_the_configuration_may_be_elsewhere(
    command: Command, server: str, tmp_path: Path
) -> None:
    command.environment["XDG_CONFIG_HOME"] = str(tmp_path / "elsewhere")
    await sign_in(command, server)
    assert (tmp_path / "elsewhere" / "kubeportal" / "token").exists()
    assert not command.file.exists()


async def test_access_token_comes_from_environment(
    command: Command, server: str, alice: Caller
) -> None:
    token = alice.headers["Authorization"].removeprefix("Bearer ")
    command.environment["KUBEPORTAL_ACCESS_TOKEN"] = token
    assert (await command("credential", "--server", server)).status == 0
    await Session.all().delete()
    refused = one_line(await command("credential", "--server", server))
    assert "KUBEPORTAL_ACCESS_TOKEN" in refused
    assert f"kubeportal login --server {server}" in refused


async def test_missing_sign_in_names_the_next_step(command: Command, server: str) -> None:
    refused = one_line(await command("credential", "--server", server))
    assert f"run `kubeportal login --server {server}`" in refused


async def test_ended_session(command: Command, server: str, clock: Clock) -> None:
    await sign_in(command, server)
    clock.advance(hours=13)
    refused = one_line(await command("credential", "--server", server))
    assert f"Your session has ended: run `kubeportal login --server {server}`" in refused


async def test_wrong_password(command: Command, server: str) -> None:
    refused = one_line(await sign_in(command, server, "wrong"))
    assert "Unable to log in" in refused
    assert not command.file.exists()


async def test_the_token_is_refused_for_another_cluster(command: Command, server: str) -> None:
    await sign_in(command, server)
    refused = await command("credential", "--server", server, "--cluster", "south")
    assert "not in cluster 'south'" in one_line(refused)
    refused = await command("credential", "--server", server, "--expires-in-seconds", "5")
    assert "600 to 3600" in one_line(refused)


@pytest.mark.parametrize(
    ("info", "status"),
    [
        ({"apiVersion": VERSION, "kind": "ExecCredential", "spec": {"interactive": False}}, 0),
        ({"apiVersion": f"{VERSION}beta1", "kind": "ExecCredential", "spec": {}}, 0),
        ({"apiVersion": f"{VERSION}alpha1", "kind": "ExecCredential", "spec": {}}, 1),
        ({}, 1),
        ("nonsense", 1),
    ],
    ids=str,
)
async def test_requested_version(command: Command, server: str, info: Any, status: int) -> None:
    await sign_in(command, server)
    command.environment["KUBERNETES_EXEC_INFO"] = json.dumps(info)
    outcome = await command("credential", "--server", server)
    assert outcome.status == status
    if status:
        one_line(outcome)
    else:
        assert json.loads(outcome.output)["apiVersion"] == info["apiVersion"]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://portal.example.org", "use https"),
        ("ftp://portal.example.org", "use https"),
        ("portal.example.org", "not the address"),
        ("https://", "not the address"),
        ("https://user:secret@portal.example.org", "not the address"),
        ("https://portal.example.org/?a=b", "not the address"),
        ("https://portal.example.org:port", "not the address"),
        ("https://[", "not the address"),
    ],
)
async def test_secrets_go_to_a_sound_address_only(
    command: Command, address: str, message: str
) -> None:
    command.environment["KUBEPORTAL_ACCESS_TOKEN"] = "planted"
    for arguments in (("credential",), ("login", "--username", "alice", "--password-stdin")):
        refused = one_line(await command(*arguments, "--server", address))
        assert message in refused
        assert "planted" not in refused


async def test_other_server_is_an_error(command: Command, server: str) -> None:
    refused = await sign_in(command, f"{server}/kubeconfig")
    assert "does not answer like a portal: status 404" in one_line(refused)
    assert "cannot be reached" in one_line(await sign_in(command, "http://127.0.0.1:9"))


async def test_redirect_is_not_followed(command: Command) -> None:
    requests = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    command.environment["KUBEPORTAL_ACCESS_TOKEN"] = "planted"
    async with await asyncio.start_server(redirect, "127.0.0.1") as listener:
        host, port = listener.sockets[0].getsockname()
        outcome = await command("credential", "--server", f"http://{host}:{port}")
    assert "does not answer like a portal: status 302" in one_line(outcome)
    [request] = requests
    assert request.startswith("POST /graphql HTTP/1.1\r\n")
    assert "Authorization: Bearer planted\r\n" in request


async def test_a_password_is_not_taken_for_a_name(command: Command, server: str) -> None:
    for arguments in ((), ("--username", "alice"), ("--password-stdin",)):
        refused = await command("login", "--server", server, *arguments, text="secret\n")
        assert "--username and --password-stdin" in one_line(refused, status=2)
