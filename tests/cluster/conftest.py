import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from cluster.cluster import Cluster, load_clusters
from tests.cluster.proxy import Proxy, kubeconfig_of, open_proxy, settings_of
from tests.testbed import ClusterTestbed

INTERVAL = timedelta(seconds=0.5)

OpenCluster = Callable[..., Awaitable[Cluster]]


@pytest.fixture
async def open_cluster() -> AsyncIterator[OpenCluster]:
    """Connects to the default cluster of a kubeconfig; closed when the test is over."""
    async with AsyncExitStack() as stack:

        async def connect(kubeconfig: Path, **options: Any) -> Cluster:
            options.setdefault("facts_interval", INTERVAL)
            clusters = await load_clusters(kubeconfig=str(kubeconfig), environ={}, **options)
            stack.push_async_callback(clusters.close)
            assert clusters.default is not None
            return clusters.default

        yield connect


@pytest.fixture
async def proxy(testbed: ClusterTestbed) -> AsyncIterator[Proxy]:
    async with open_proxy(testbed.kubeconfig) as proxy:
        yield proxy


@pytest.fixture
def proxy_kubeconfig(proxy: Proxy, tmp_path: Path) -> Path:
    path = tmp_path / "proxy.kubeconfig"
    path.write_text(kubeconfig_of(proxy.url))
    return path


@pytest.fixture(scope="session")
def admin(testbed: ClusterTestbed) -> Iterator[client.ApiClient]:
    """The official synchronous client: the witness of what really is in the cluster."""
    with client.ApiClient(settings_of(testbed.kubeconfig)) as api:
        yield api


@pytest.fixture
def fresh_name(admin: client.ApiClient) -> Iterator[str]:
    """A name that is not taken; a namespace of that name is removed after the test."""
    name = f"test-{secrets.token_hex(4)}"
    yield name
    with suppress(ApiException):
        client.CoreV1Api(admin).delete_namespace(name)


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def two_contexts(tmp_path: Path) -> Path:
    """A kubeconfig with contexts `north` and `south`, the latter being current."""
    north, south = (
        yaml.safe_load(kubeconfig_of(f"http://{name}.example.org", name))
        for name in ("north", "south")
    )
    for section in ("clusters", "users", "contexts"):
        north[section] += south[section]
    north["current-context"] = "south"
    path = tmp_path / "two"
    path.write_text(yaml.safe_dump(north))
    return path


@pytest.fixture
def pod(testbed: ClusterTestbed, admin: client.ApiClient, tmp_path: Path) -> dict[str, Any]:
    """The surroundings of a pod in the testbed, whose account may nothing."""
    testbed.seed()
    config = yaml.safe_load(testbed.kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    token = client.CoreV1Api(admin).create_namespaced_service_account_token(
        "default",
        "team-alice",
        client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[])),
    )
    assert token.status is not None
    (tmp_path / "token").write_text(str(token.status.token))
    authority = base64.b64decode(cluster["certificate-authority-data"])
    (tmp_path / "ca.crt").write_bytes(authority)
    address = urlsplit(cluster["server"])
    environ = {
        "KUBERNETES_SERVICE_HOST": address.hostname,
        "KUBERNETES_SERVICE_PORT": str(address.port),
    }
    return {"environ": environ, "service_account_folder": tmp_path}
