from pathlib import Path
from typing import Any

import pytest

from cluster.connection import ClusterConfigError
from tests.cluster.configured import load, names

pytestmark = pytest.mark.usefixtures("empty_home")


async def test_a_pod_uses_the_cluster_that_it_runs_in(
    pod: dict[str, Any], two_contexts: Path
) -> None:
    clusters = await load(two_contexts, **pod)
    assert names(clusters) == ["in-cluster"]
    assert clusters.default is not None
    await clusters.start()
    assert clusters.default.facts.version is not None
    assert clusters.default.facts.node_count is None
    await clusters.close()


async def test_in_a_pod_the_configured_contexts_win(
    pod: dict[str, Any], two_contexts: Path
) -> None:
    assert names(await load(two_contexts, "north", **pod)) == ["north"]
    both = await load(two_contexts, "in-cluster", "north", **pod)
    assert names(both) == ["in-cluster", "north"]
    await both.close()


@pytest.mark.parametrize("authority", [None, "", "no certificate"])
async def test_pod_without_usable_authority(pod: dict[str, Any], authority: str | None) -> None:
    file = pod["service_account_folder"] / "ca.crt"
    file.unlink()
    if authority is not None:
        file.write_text(authority)
    with pytest.raises(ClusterConfigError, match="own cluster cannot be used"):
        await load(**pod)


async def test_in_cluster_outside_of_a_pod(tmp_path: Path) -> None:
    with pytest.raises(ClusterConfigError, match="own cluster cannot be used"):
        await load(None, "in-cluster", service_account_folder=tmp_path)
