"""A real server process receives SIGTERM while clients listen."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from portal.settings import Settings
from tests.callers import SECRET, Caller, People
from tests.cluster.proxy import kubeconfig_of
from tests.databases import free_port
from tests.sockets import connected, streamed

SERVE = [sys.executable, "-c", "from portal.cli.main import main; main()", "serve"]
REACHABLE = "subscription { clusterFacts { reachable } }"
FIRST = {"clusterFacts": {"reachable": False}}


@pytest.fixture
def database_kind() -> str:
    """Nothing here depends on the kind of database."""
    return "sqlite"


@pytest.fixture(params=[1, 2])
def workers(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def process(
    settings: Settings, tmp_path: Path, port: int, workers: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`kubeportal serve`, for an unreachable cluster."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(kubeconfig_of("http://127.0.0.1:1"))
    environment = {
        **os.environ,
        "KUBEPORTAL_DATABASE_URL": settings.database_url,
        "KUBEPORTAL_SECRET_KEY": SECRET,
        "KUBECONFIG": str(kubeconfig),
    }
    options = ["--port", str(port), "--workers", str(workers)]
    process = await asyncio.create_subprocess_exec(
        *SERVE, *options, env=environment, stderr=asyncio.subprocess.PIPE
    )
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


@pytest.fixture
async def anonymous(process: asyncio.subprocess.Process, port: int) -> AsyncIterator[Caller]:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        async with asyncio.timeout(30):
            while not await is_alive(client):  # noqa: ASYNC110  # another process has no event
                await asyncio.sleep(0.1)
        yield Caller(client)


async def is_alive(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/healthz")).status_code == 200
    except httpx2.TransportError:
        return False


async def test_stopped_server_ends_all_streams(
    process: asyncio.subprocess.Process, people: People, alice: Caller
) -> None:
    async with connected(alice) as socket, streamed(alice, REACHABLE) as events:
        await socket.subscribe(REACHABLE)
        assert await socket.next() == FIRST
        assert await events.next() == FIRST
        process.send_signal(signal.SIGTERM)
        assert await socket.close_code() == 1012
        assert await events.rest() == []
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert b"Traceback" not in errors
    assert b"timeout graceful shutdown exceeded" not in errors
