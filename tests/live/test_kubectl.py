"""kubectl, a portal process and a real API server: the credentials work, for their account only."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import stat
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from kubernetes import client, config
from kubernetes.client import ApiClient, AuthenticationV1Api, CoreV1Api

from cluster.cluster import load_clusters
from models import CredentialIssue, CredentialKind, Database, ServiceAccount, Session
from tests.callers import SECRET, Caller, People
from tests.databases import free_port
from tests.testbed import ClusterTestbed

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on the PATH")

PROGRAMS = Path(sys.executable).parent
SECONDS_TO_START = 30


@dataclass
class Outcome:
    status: int | None
    output: str
    stderr: str


@dataclass
class Home:
    """The home directory of a user; the downloaded kubeconfig is the file `config`."""

    folder: Path

    async def run(self, *command: str, text: str = "") -> Outcome:
        environment = {"HOME": str(self.folder), "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, cwd=self.folder
        )
        output, stderr = await process.communicate(text.encode())
        return Outcome(process.returncode, output.decode(), stderr.decode())

    async def kubectl(self, *arguments: str) -> Outcome:
        return await self.run("kubectl", "--kubeconfig", "config", *arguments)

    async def works(self, *arguments: str) -> str:
        """The output, once the API server has noticed the roles; at most after ten seconds."""
        for _ in range(40):
            outcome = await self.kubectl(*arguments)
            if outcome.status == 0:
                return outcome.output
            await asyncio.sleep(0.25)
        pytest.fail(f"kubectl {arguments}: {outcome.stderr}")

    async def sign_in(self, portal: str) -> None:
        login = ("kubeportal", "login", "--server", portal, "--username", "alice")
        outcome = await self.run(*login, "--password-stdin", text="correct horse\n")
        assert outcome.status == 0, outcome.stderr


@pytest.fixture
def database_kind() -> str:
    """The portal process is the same on both."""
    return "sqlite"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "home"
    folder.mkdir()
    return Home(folder)


@pytest.fixture(scope="module")
def witness(testbed: ClusterTestbed) -> Iterator[ApiClient]:
    settings = client.Configuration()
    config.load_kube_config(str(testbed.kubeconfig), client_configuration=settings)
    with ApiClient(settings) as api:
        yield api


@pytest.fixture
async def team(testbed: ClusterTestbed, witness: ApiClient, people: People) -> AsyncIterator[str]:
    """Alice's namespace, which is new and which she may view."""
    name = f"team-{secrets.token_hex(4)}"
    clusters = await load_clusters(kubeconfig=str(testbed.kubeconfig), environ={})
    cluster = clusters.default
    assert cluster is not None
    await cluster.ensure_namespace(name, made_for="first")
    await cluster.ensure_service_account(name, "alice")
    await cluster.ensure_role_binding(name, "alice", "view", key="first")
    await clusters.close()
    await ServiceAccount.all().update(namespace=name)
    yield name
    CoreV1Api(witness).delete_namespace(name)


@pytest.fixture
async def portal(
    testbed: ClusterTestbed, team: str, migrated_url: str, tmp_path: Path
) -> AsyncIterator[str]:
    """The address of a portal in a process of its own."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(testbed.kubeconfig),
        "KUBEPORTAL_DATABASE_URL": migrated_url,
        "KUBEPORTAL_SECRET_KEY": SECRET,
        "KUBEPORTAL_EXTERNAL_URL": address,
        "KUBEPORTAL_BRANDING": "Our Portal",
    }
    process = await asyncio.create_subprocess_exec(
        PROGRAMS / "kubeportal", "serve", "--port", str(port), env=environment, stderr=DEVNULL
    )
    try:
        await answers(f"{address}/readyz")
        yield address
    finally:
        process.terminate()
        await process.wait()


async def answers(address: str) -> None:
    async with asyncio.timeout(SECONDS_TO_START), httpx2.AsyncClient() as client:
        while True:
            try:
                if (await client.get(address)).status_code == 200:
                    return
            except httpx2.TransportError:
                await asyncio.sleep(0.1)


@pytest.fixture
async def alice(portal: str, people: People) -> AsyncIterator[Caller]:
    async with httpx2.AsyncClient(base_url=portal) as client:
        yield await Caller(client).sign_in("alice", "correct horse")


async def download(caller: Caller, home: Home, query: str = "") -> str:
    response = await caller.client.get(f"/kubeconfig{query}", headers=caller.headers)
    assert response.status_code == 200, response.text
    (home.folder / "config").write_text(response.text, encoding="utf-8")
    return response.text


async def test_kubeconfig_works_in_the_own_namespace(
    alice: Caller, home: Home, team: str, witness: ApiClient
) -> None:
    file = yaml.safe_load(await download(alice, home))
    await home.works("get", "pods")
    assert (await home.works("auth", "can-i", "list", "pods")).strip() == "yes"
    for refused in (
        ("get", "pods", "--namespace", "default"),
        ("get", "pods", "--all-namespaces"),
        ("get", "nodes"),
        ("get", "secrets"),
        ("create", "configmap", "mine"),
    ):
        outcome = await home.kubectl(*refused)
        assert outcome.status == 1
        assert f'User "system:serviceaccount:{team}:alice" cannot' in outcome.stderr
    review = client.V1TokenReview(
        spec=client.V1TokenReviewSpec(token=file["users"][0]["user"]["token"])
    )
    status: Any = AuthenticationV1Api(witness).create_token_review(review).status
    assert status.user.username == f"system:serviceaccount:{team}:alice"
    shown = await home.works("config", "current-context")
    assert shown.strip() == "Alice@our-portal"


async def test_kubectl_gets_tokens_from_the_portal(
    alice: Caller, home: Home, team: str, portal: str, database: Database
) -> None:
    assert "token:" not in await download(alice, home, "?exec=true&expiresInSeconds=900")
    refused = await home.kubectl("get", "pods")
    assert refused.status == 1
    assert f"kubeportal login --server {portal}" in refused.stderr
    await home.sign_in(portal)
    kept = home.folder / ".config" / "kubeportal" / "token"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    await home.works("get", "pods")
    outcome = await home.kubectl("get", "pods", "--namespace", "default")
    assert f'User "system:serviceaccount:{team}:alice" cannot' in outcome.stderr
    [issue] = await CredentialIssue.filter(kind=CredentialKind.EXEC)
    assert (issue.namespace, issue.service_account, issue.username) == (team, "alice", "Alice")
    assert issue.expires_at is not None
    assert 890 <= (issue.expires_at - issue.issued_at).total_seconds() <= 910


async def test_ended_session_names_the_next_step(
    alice: Caller, home: Home, portal: str, database: Database
) -> None:
    await download(alice, home, "?exec=true")
    await home.sign_in(portal)
    await home.works("get", "pods")
    await Session.all().delete()
    outcome = await home.kubectl("get", "pods")
    assert outcome.status == 1
    message = f"kubeportal: Your session has ended: run `kubeportal login --server {portal}`."
    assert message in outcome.stderr.splitlines()
    await home.sign_in(portal)
    assert (await home.kubectl("get", "pods")).status == 0
