"""A real Kubernetes API server for tests, as a pytest plugin.

`KUBEPORTAL_TEST_KUBECONFIG` names a cluster to use; without it one is started from the scripts in
`../shared/testbed`, where they are built. Otherwise the tests that need one are skipped;
with `KUBEPORTAL_TEST_CLUSTER=required` they fail instead.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, Protocol

import pytest

SCRIPTS = Path(__file__).resolve().parents[1].parent / "shared" / "testbed"
SEED = SCRIPTS / "seed.py"
VARIABLE = "KUBEPORTAL_TEST_KUBECONFIG"
DEMAND = "KUBEPORTAL_TEST_CLUSTER"
MISSING = "no Kubernetes API server"


class ClusterTestbed(Protocol):
    """A cluster whose administrator the tests are."""

    @property
    def kubeconfig(self) -> Path: ...

    def stop(self) -> None:
        """End the API server at once; skips the test where that is impossible."""

    def start(self) -> None:
        """Bring the API server back and return when it is ready."""

    def freeze(self) -> None:
        """The API server accepts connections and never answers."""

    def thaw(self) -> None:
        """Undo `freeze`."""

    def seed(self, *, nodes: int = 3, pods: int = 20, volumes: int = 5) -> None:
        """Add what is missing to have so many objects, and namespace `team-alice`."""


class _Seeding:
    kubeconfig: Path

    def seed(self, *, nodes: int = 3, pods: int = 20, volumes: int = 5) -> None:
        if not SEED.exists():
            pytest.skip(f"no program to fill the cluster at {SEED}")
        numbers = {"--nodes": nodes, "--pods": pods, "--volumes": volumes}
        options = [str(word) for option in numbers.items() for word in option]
        _run(sys.executable, SEED, self.kubeconfig, *options)


class ForeignTestbed(_Seeding):
    """A cluster that somebody else runs."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def stop(self) -> None:
        pytest.skip(f"the cluster of {VARIABLE} is not ours to stop")

    def freeze(self) -> None:
        pytest.skip(f"the cluster of {VARIABLE} is not ours to freeze")

    def start(self) -> None: ...

    def thaw(self) -> None: ...


class OwnTestbed(_Seeding):
    """etcd, kube-apiserver and kube-controller-manager, started from the scripts."""

    def __init__(self, folder: Path) -> None:
        self.kubeconfig = folder / "kubeconfig"
        self._folder = folder
        self._environment = os.environ | {
            "KUBE_PORT": str(_free_ports(1)),
            "ETCD_PORT": str(_free_ports(2)),
        }

    def start(self) -> None:
        _run(SCRIPTS / "up.sh", self._folder, environment=self._environment)

    def stop(self) -> None:
        process = self._api_server()
        os.kill(process, signal.SIGKILL)
        while _state(process) not in {None, "Z"}:
            time.sleep(0.02)

    def freeze(self) -> None:
        os.kill(self._api_server(), signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._api_server(), signal.SIGCONT)

    def wipe(self) -> None:
        _run(SCRIPTS / "down.sh", self._folder, "--wipe", environment=self._environment)

    def _api_server(self) -> int:
        _, process, _ = (self._folder / "run" / "kube-apiserver").read_text().split()
        return int(process)


@pytest.fixture(scope="session")
def testbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterTestbed]:
    foreign = os.environ.get(VARIABLE)
    if foreign:
        yield ForeignTestbed(Path(foreign))
        return
    _skip_unless_built()
    own = OwnTestbed(tmp_path_factory.mktemp("testbed"))
    try:
        own.start()
        yield own
    finally:
        own.wipe()


def _skip_unless_built() -> None:
    if not (SCRIPTS / "up.sh").exists():
        _do_without(f"set {VARIABLE} to the kubeconfig of one")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    binaries = Path(os.environ.get("KUBE_BIN") or cache / "kube-testbed" / "bin")
    if not (binaries / "kube-apiserver").exists():
        _do_without(f"run {SCRIPTS}/build.sh, or set {VARIABLE} to the kubeconfig of one")


def _do_without(remedy: str) -> NoReturn:
    refuse = pytest.fail if os.environ.get(DEMAND) == "required" else pytest.skip
    refuse(f"{MISSING}: {remedy}")


def _run(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _state(process: int) -> str | None:
    """The state letter of a process, None when there is no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def _free_ports(number: int) -> int:
    """The first of so many free ports in a row, below those that the system gives to clients."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311
        if all(_is_free(port + offset) for offset in range(number)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        return candidate.connect_ex(("127.0.0.1", port)) != 0
