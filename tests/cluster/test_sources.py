import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cluster.connection import ClusterConfigError
from tests.cluster.configured import NOWHERE, load, names, rewrite
from tests.cluster.proxy import kubeconfig_of

pytestmark = pytest.mark.usefixtures("empty_home")


async def test_no_configuration_is_no_cluster() -> None:
    clusters = await load()
    await clusters.start()
    assert (len(clusters), clusters.default, clusters.get("any")) == (0, None, None)
    await clusters.close()


async def test_the_default_file_is_used_where_it_exists(
    empty_home: Path, two_contexts: Path
) -> None:
    (empty_home / ".kube").mkdir()
    shutil.copy(two_contexts, empty_home / ".kube" / "config")
    assert names(await load()) == ["south"]


async def test_default_file_without_contexts(empty_home: Path) -> None:
    (empty_home / ".kube").mkdir()
    (empty_home / ".kube" / "config").write_text("{apiVersion: v1, kind: Config, contexts: null}")
    assert names(await load()) == []


async def test_the_current_context_is_the_cluster(two_contexts: Path) -> None:
    clusters = await load(two_contexts)
    assert names(clusters) == ["south"]
    assert clusters.default is not None
    assert clusters.default.api_server_url == "http://south.example.org"


async def test_first_context_is_the_default(
    two_contexts: Path,
) -> None:
    clusters = await load(two_contexts, "north", "south")
    assert names(clusters) == ["north", "south"]
    assert clusters.default is clusters.get("north")
    assert clusters.get("west") is None


async def test_external_url_is_for_the_default_cluster(two_contexts: Path) -> None:
    contexts = ["north", "south", "north"]
    clusters = await load(two_contexts, *contexts, api_server_external="https://k8s.test")
    assert [cluster.api_server_url for cluster in clusters] == [
        "https://k8s.test",
        "http://south.example.org",
    ]


async def test_files_are_merged(tmp_path: Path, two_contexts: Path) -> None:
    west = tmp_path / "west"
    west.write_text(kubeconfig_of(NOWHERE, "west"))
    files = os.pathsep.join(map(str, [west, tmp_path / "missing", two_contexts]))
    assert names(await load(files, "north", "west")) == ["north", "west"]


async def test_missing_context_lists_the_others(
    two_contexts: Path,
) -> None:
    with pytest.raises(ClusterConfigError, match=r"no context 'east' in .*: north, south"):
        await load(two_contexts, "north", "east")


async def test_context_without_kubeconfig() -> None:
    with pytest.raises(ClusterConfigError, match=r"no context 'east'.*none"):
        await load(None, "east")


async def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ClusterConfigError, match="no kubeconfig at"):
        await load(tmp_path / "missing")


def without_current_context(config: dict[str, Any]) -> None:
    del config["current-context"]


async def test_missing_current_context_lists_the_choice(two_contexts: Path) -> None:
    rewrite(two_contexts, without_current_context, original=two_contexts)
    with pytest.raises(ClusterConfigError, match=r"no current context.*north, south"):
        await load(two_contexts)
