"""The `kubeportal` command as people run it: in a process of its own.

The processes are forked from one that has loaded the modules, which takes longer than a command.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx2

from portal.cli.main import main
from tests.databases import free_port

KUBEPORTAL = str(Path(sys.executable).with_name("kubeportal"))
PATIENCE_SECONDS = 120
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["portal.cli.administration", "portal.cli.serve", "portal.cli.users", __name__]
)


class Streams(NamedTuple):
    """The files that are the standard streams of a process."""

    stdin: Path
    stdout: Path
    stderr: Path


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a machine on which nothing is configured, and these variables."""
    ours = ("KUBEPORTAL_", "KUBECONFIG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "KUBECONFIG": "", **variables}


def kubeportal(
    *arguments: str, folder: Path, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """What the command says and how it ends."""
    with TemporaryDirectory() as name:
        streams = Streams(*(Path(name) / stream for stream in ("stdin", "stdout", "stderr")))
        streams.stdin.write_text(stdin)
        process = _start(arguments, folder, streams, variables)
        process.join(PATIENCE_SECONDS)
        assert process.exitcode is not None, f"kubeportal {arguments} does not end"
        output = streams.stdout.read_text(), streams.stderr.read_text()
        return subprocess.CompletedProcess(arguments, process.exitcode, *output)


@contextmanager
def serving(*arguments: str, folder: Path, **variables: str) -> Iterator[str]:
    """The address of `kubeportal serve`, once it is ready."""
    port = free_port()
    log = folder / f"{port}.log"
    command = ("serve", *arguments, "--port", str(port))
    process = _start(command, folder, Streams(Path(os.devnull), log, log), variables)
    try:
        yield _ready(port, process.is_alive)
    finally:
        process.terminate()
        process.join(PATIENCE_SECONDS)


@contextmanager
def running(command: list[str], *, folder: Path, **variables: str) -> Iterator[str]:
    """The address of another command that serves and takes a port, once it is ready."""
    port = free_port()
    with (folder / f"{port}.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=folder,
            env=environment(variables),
            stdout=log,
            stderr=log,
        )
    try:
        yield _ready(port, lambda: process.poll() is None)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _start(
    arguments: Sequence[str], folder: Path, streams: Streams, variables: Mapping[str, str]
) -> ForkServerProcess:
    process = FORKS.Process(
        target=_be_kubeportal, args=(arguments, folder, streams, environment(variables))
    )
    process.start()
    return process


def _be_kubeportal(
    arguments: Sequence[str], folder: Path, streams: Streams, variables: dict[str, str]
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    files = [stream.open(mode) for stream, mode in zip(streams, "raa", strict=True)]
    for number, file in enumerate(files):
        os.dup2(file.fileno(), number)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, closefd=False)  # noqa: SIM115
        for number, mode in enumerate("rww")
    )
    sys.argv = ["kubeportal", *arguments]
    main()


def _ready(port: int, is_alive: Callable[[], bool]) -> str:
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and is_alive():
        try:
            if httpx2.get(f"{address}/readyz").status_code == 200:
                return address
        except httpx2.TransportError:
            time.sleep(0.05)
    raise RuntimeError("kubeportal serve did not become ready")
