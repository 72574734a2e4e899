import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import certifi
import pytest

from cluster.connection import ClusterConfigError, ClusterUnavailable
from tests.cluster.configured import NOWHERE, Edit, load, names, rewrite
from tests.cluster.conftest import OpenCluster
from tests.cluster.proxy import kubeconfig_of
from tests.testbed import ClusterTestbed


def without_server(config: dict[str, Any]) -> None:
    del config["clusters"][0]["cluster"]["server"]


def without_cluster(config: dict[str, Any]) -> None:
    config["clusters"] = []


def without_user(config: dict[str, Any]) -> None:
    config["users"] = []


def without_context_body(config: dict[str, Any]) -> None:
    del config["contexts"][0]["context"]


def without_names(config: dict[str, Any]) -> None:
    del config["contexts"][0]["name"]


def without_authority_file(config: dict[str, Any]) -> None:
    config["clusters"][0]["cluster"] = {
        "server": "https://127.0.0.1:1",
        "certificate-authority": "missing.crt",
    }


def with_authority_data_that_is_none(config: dict[str, Any]) -> None:
    config["clusters"][0]["cluster"] = {
        "server": "https://127.0.0.1:1",
        "certificate-authority-data": base64.b64encode(b"none").decode(),
    }


def without_credentials(config: dict[str, Any]) -> None:
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    config["users"][0]["user"] = {}


def with_failing_plugin(config: dict[str, Any]) -> None:
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "false"}
    config["users"][0]["user"] = {"exec": plugin}


def insecure(config: dict[str, Any]) -> None:
    config["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True


@pytest.mark.parametrize(
    "edit",
    [
        without_server,
        without_cluster,
        without_context_body,
        without_names,
        without_authority_file,
        with_authority_data_that_is_none,
        without_credentials,
        with_failing_plugin,
        insecure,
    ],
)
async def test_an_unusable_kubeconfig_is_one_clear_line(tmp_path: Path, edit: Edit) -> None:
    path = rewrite(tmp_path / "unusable", edit, original=kubeconfig_of(NOWHERE))
    with pytest.raises(ClusterConfigError, match=r"cannot be used: .") as error:
        await load(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "just words", "[1, 2]", "{", "a: b: c", "contexts: 7", "\0"])
async def test_invalid_kubeconfig(tmp_path: Path, text: str) -> None:
    path = tmp_path / "strange"
    path.write_text(text)
    with pytest.raises(ClusterConfigError, match=r"cannot be used: .") as error:
        await load(path)
    assert "\n" not in str(error.value)


async def test_http_context_needs_no_user(tmp_path: Path) -> None:
    path = rewrite(tmp_path / "no-user", without_user, original=kubeconfig_of(NOWHERE))
    assert names(await load(path)) == ["proxy"]


def trusting_strangers(config: dict[str, Any]) -> None:
    strangers = base64.b64encode(Path(certifi.where()).read_bytes()).decode()
    config["clusters"][0]["cluster"]["certificate-authority-data"] = strangers


async def test_unknown_authority_is_not_trusted(
    testbed: ClusterTestbed, tmp_path: Path, open_cluster: OpenCluster
) -> None:
    path = rewrite(tmp_path / "strangers", trusting_strangers, original=testbed.kubeconfig)
    cluster = await open_cluster(path)
    await cluster.start()
    assert not cluster.facts.reachable
    assert cluster.facts.version is None
    other = await open_cluster(path)
    with pytest.raises(ClusterUnavailable):
        await other.issue_token("default", "default", lifetime=timedelta(hours=1))
