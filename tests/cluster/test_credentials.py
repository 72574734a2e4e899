from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.client import Configuration
from kubernetes.aio.config.kube_config import KubeConfigLoader

from cluster.connection import CredentialRenewal
from tests.cluster.configured import rewrite
from tests.cluster.conftest import OpenCluster
from tests.cluster.waiting import until
from tests.testbed import ClusterTestbed


class CountingLoader(KubeConfigLoader):
    """Counts how often credentials are loaded."""

    def __init__(self) -> None:
        self.loaded = 0

    async def load_and_set(self, configuration: Configuration) -> None:
        self.loaded += 1
        configuration.api_key["BearerToken"] = f"token {self.loaded}"


async def test_credentials_are_renewed_every_minute() -> None:
    # The renewal looks at the clock when it is made, and again whenever it sets the next time.
    seconds = iter([0.0, 59.0, 61.0, 61.0, 62.0, 122.0, 122.0])
    loader, configuration = CountingLoader(), Configuration()
    renewal = CredentialRenewal(loader, clock=lambda: next(seconds))
    for _ in range(4):
        await renewal(configuration)
    assert loader.loaded == 2
    assert configuration.api_key["BearerToken"] == "token 2"


async def test_exec_plugin_provides_the_token(
    pod: dict[str, Any], testbed: ClusterTestbed, tmp_path: Path, open_cluster: OpenCluster
) -> None:
    version = "client.authentication.k8s.io/v1"
    answer = (
        f'{{"apiVersion": "{version}", "kind": "ExecCredential", '
        f'"status": {{"token": "{(tmp_path / "token").read_text()}"}}}}'
    )
    plugin = {"apiVersion": version, "command": "echo", "args": [answer]}
    path = rewrite(
        tmp_path / "exec",
        lambda config: config["users"][0].update(user={"exec": plugin}),
        original=testbed.kubeconfig,
    )
    cluster = await open_cluster(path)
    await cluster.start()
    await until(lambda: cluster.facts.version)
    assert cluster.facts.node_count is None


async def test_token_file_is_read_again(
    pod: dict[str, Any],
    testbed: ClusterTestbed,
    tmp_path: Path,
    open_cluster: OpenCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cluster.connection._RENEWAL_INTERVAL", 0)
    good = (tmp_path / "token").read_text()
    file = tmp_path / "renewed"
    file.write_text("expired")
    path = rewrite(
        tmp_path / "token-file",
        lambda config: config["users"][0].update(user={"tokenFile": "renewed"}),
        original=testbed.kubeconfig,
    )
    cluster = await open_cluster(path)
    await cluster.start()
    assert not cluster.facts.reachable
    file.write_text(good)
    await until(lambda: cluster.facts.reachable)
