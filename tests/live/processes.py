"""The `kubeportal` command as people run it: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.databases import free_port

KUBEPORTAL = str(Path(sys.executable).with_name("kubeportal"))
PATIENCE_SECONDS = 60


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a machine on which nothing is configured, and these variables."""
    ours = ("KUBEPORTAL_", "KUBECONFIG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "KUBECONFIG": "", **variables}


def kubeportal(
    *arguments: str, folder: Path, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KUBEPORTAL, *arguments],
        cwd=folder,
        env=environment(variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


@contextmanager
def serving(*arguments: str, folder: Path, **variables: str) -> Iterator[str]:
    """The address of `kubeportal serve`, once it is ready."""
    with running([KUBEPORTAL, "serve", *arguments], folder=folder, **variables) as address:
        yield address


@contextmanager
def running(command: list[str], *, folder: Path, **variables: str) -> Iterator[str]:
    """The address of a serving command that takes a port, once it is ready."""
    port = free_port()
    with (folder / f"{port}.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=folder,
            env=environment(variables),
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx2.get(f"{address}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise RuntimeError("kubeportal serve did not become ready")
