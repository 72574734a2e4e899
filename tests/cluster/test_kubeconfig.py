import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from cluster.cluster import Cluster
from cluster.kubeconfig import ExecCredential, Server, render_kubeconfig
from cluster.tokens import ServiceAccountToken
from tests.cluster.conftest import OpenCluster
from tests.cluster.proxy import settings_of
from tests.cluster.waiting import until
from tests.testbed import ClusterTestbed

HOUR = timedelta(hours=1)
TOKEN = ServiceAccountToken("e30.e30.c2ln", None)
ODD_NAMES = [
    "yes",
    "null",
    "~",
    "1e3",
    "0o7",
    "12:30:45",
    "2030-01-01",
    "-",
    "a: b",
    "a #b",
    "'\"\\",
    "{{x}}",
    "&a *b !c",
    "two\nlines",
    "tab\t",
    " padded ",
    "",
    "Zoë 😀",
    "\x07\x85\u2028",
]


def rendered(**changes: Any) -> str:
    arguments: dict[str, Any] = {
        "cluster": "north",
        "server": Server("https://k8s.example.org"),
        "user": "alice",
        "namespace": "team-alice",
        "credential": TOKEN,
    }
    return render_kubeconfig(**arguments | changes)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_survive_whatever_they_contain(name: str) -> None:
    config = yaml.safe_load(rendered(cluster=name, user=name, namespace=name))
    (context,) = config["contexts"]
    assert context["context"]["namespace"] == name
    assert context["context"]["cluster"] == config["clusters"][0]["name"] == name
    assert context["context"]["user"] == config["users"][0]["name"] == f"{name}@{name}"
    assert config["current-context"] == context["name"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on the PATH")
@pytest.mark.parametrize("name", ODD_NAMES)
def test_kubectl_reads_the_same_names(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(rendered(cluster=name or "c", user=name, namespace=name), encoding="utf-8")
    shown = subprocess.run(
        ["kubectl", "config", "view", "--minify", "--kubeconfig", path, "-o", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    config = json.loads(shown.stdout)
    assert config["contexts"][0]["context"].get("namespace", "") == name
    assert config["users"][0]["name"] == f"{name}@{name or 'c'}"


def test_plugin_instead_of_token() -> None:
    plugin = ExecCredential(
        args=("credential", "--server", "https://portal.example.org", "--cluster", "yes"),
        env={"NO": "1"},
        interactive_mode="IfAvailable",
        install_hint="pip install kubeportal",
    )
    config = yaml.safe_load(rendered(credential=plugin))
    assert config["users"][0]["user"] == {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "kubeportal",
            "args": ["credential", "--server", "https://portal.example.org", "--cluster", "yes"],
            "env": [{"name": "NO", "value": "1"}],
            "interactiveMode": "IfAvailable",
            "installHint": "pip install kubeportal",
        }
    }


def test_missing_authority_keeps_verification() -> None:
    config = yaml.safe_load(rendered())
    assert config["clusters"][0]["cluster"] == {"server": "https://k8s.example.org"}


@pytest.fixture
async def cluster(testbed: ClusterTestbed, open_cluster: OpenCluster) -> Cluster:
    return await open_cluster(testbed.kubeconfig)


@pytest.fixture
def own_authority(testbed: ClusterTestbed) -> str:
    config = yaml.safe_load(testbed.kubeconfig.read_text())
    data: str = config["clusters"][0]["cluster"]["certificate-authority-data"]
    return data


def entry(kubeconfig: str) -> dict[str, Any]:
    cluster: dict[str, Any] = yaml.safe_load(kubeconfig)["clusters"][0]["cluster"]
    return cluster


async def test_authority_is_embedded(cluster: Cluster, own_authority: str) -> None:
    file = cluster.kubeconfig(user="alice", namespace="team-alice", credential=TOKEN)
    assert entry(file) == {
        "server": cluster.api_server_url,
        "certificate-authority-data": own_authority,
    }


async def test_the_external_url_is_the_server_of_the_file(
    testbed: ClusterTestbed, open_cluster: OpenCluster, own_authority: str
) -> None:
    cluster = await open_cluster(testbed.kubeconfig, api_server_external="https://k8s.example.org")
    file = cluster.kubeconfig(
        user="alice", namespace="team-alice", credential=TOKEN, cluster_name="Our Cluster"
    )
    assert entry(file)["server"] == "https://k8s.example.org"
    assert entry(file)["certificate-authority-data"] == own_authority
    assert yaml.safe_load(file)["clusters"][0]["name"] == "Our Cluster"


def server_name_of(kubeconfig: Path, folder: Path) -> Path:
    config = yaml.safe_load(kubeconfig.read_text())
    config["clusters"][0]["cluster"]["tls-server-name"] = "kubernetes.default.svc"
    path = folder / "with-server-name"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.mark.parametrize("authority", [None, b"an authority"])
async def test_external_https_url_behind_plain_http_needs_an_authority(
    open_cluster: OpenCluster,
    proxy_kubeconfig: Path,
    caplog: pytest.LogCaptureFixture,
    authority: bytes | None,
) -> None:
    url = "https://k8s.example.org"
    cluster = await open_cluster(proxy_kubeconfig, api_server_external=url, api_server_ca=authority)
    await cluster.start()
    assert ("KUBEPORTAL_API_SERVER_CA_FILE" in caplog.text) is (authority is None)
    text = cluster.kubeconfig(user="alice", namespace="team", credential=ExecCredential())
    embedded = yaml.safe_load(text)["clusters"][0]["cluster"].get("certificate-authority-data")
    assert embedded == (authority and base64.b64encode(authority).decode())


async def test_tls_server_name_is_for_the_internal_url(
    testbed: ClusterTestbed, tmp_path: Path, open_cluster: OpenCluster
) -> None:
    kubeconfig = server_name_of(testbed.kubeconfig, tmp_path)
    internal = await open_cluster(kubeconfig)
    external = await open_cluster(kubeconfig, api_server_external="https://k8s.example.org")
    files = [
        one.kubeconfig(user="alice", namespace="team-alice", credential=TOKEN)
        for one in (internal, external)
    ]
    assert entry(files[0])["tls-server-name"] == "kubernetes.default.svc"
    assert "tls-server-name" not in entry(files[1])


@pytest.fixture
async def team(cluster: Cluster, fresh_name: str) -> str:
    """A namespace of its own, in which account `alice` may edit."""
    await cluster.ensure_namespace(fresh_name, made_for="first")
    await cluster.ensure_service_account(fresh_name, "alice")
    await cluster.ensure_role_binding(fresh_name, "alice", "edit", key="first")
    return fresh_name


@pytest.fixture
async def downloaded(cluster: Cluster, team: str, tmp_path: Path) -> Path:
    token = await cluster.issue_token(team, "alice", lifetime=HOUR)
    path = tmp_path / "config"
    path.write_text(cluster.kubeconfig(user="alice", namespace=team, credential=token))
    return path


def allowed(call: Callable[[], object]) -> bool:
    try:
        call()
    except ApiException as error:
        if error.status == 403:
            return False
        raise
    return True


async def test_kubeconfig_works_in_the_own_namespace_only(downloaded: Path, team: str) -> None:
    with client.ApiClient(settings_of(downloaded)) as api:
        core = client.CoreV1Api(api)
        await until(lambda: allowed(lambda: core.list_namespaced_pod(team)))
        core.create_namespaced_config_map(
            team, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="mine"))
        )
        assert not allowed(lambda: core.list_namespaced_pod("default"))
        assert not allowed(lambda: core.list_namespaced_secret("kube-system"))
        assert not allowed(core.list_node)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on the PATH")
async def test_kubectl_reads_the_kubeconfig(downloaded: Path, team: str) -> None:
    def kubectl(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["kubectl", "--kubeconfig", str(downloaded), "--cache-dir", str(downloaded) + "d"]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)

    await until(lambda: kubectl("get", "pods").returncode == 0)
    assert kubectl("create", "configmap", "mine").returncode == 0
    refusal = kubectl("get", "pods", "--namespace", "default")
    assert refusal.returncode == 1
    assert f"system:serviceaccount:{team}:alice" in refusal.stderr
    assert "orbidden" in refusal.stderr


async def test_client_runs_the_plugin(cluster: Cluster, team: str, tmp_path: Path) -> None:
    token = await cluster.issue_token(team, "alice", lifetime=HOUR)
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token.value},
    }
    path = tmp_path / "config"
    plugin = ExecCredential(command="echo", args=(json.dumps(answer),))
    path.write_text(cluster.kubeconfig(user="alice", namespace=team, credential=plugin))
    with client.ApiClient(settings_of(path)) as api:
        core = client.CoreV1Api(api)
        await until(lambda: allowed(lambda: core.list_namespaced_pod(team)))
        assert not allowed(lambda: core.list_namespaced_pod("default"))
