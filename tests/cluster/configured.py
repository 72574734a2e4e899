"""Clusters from configuration files that a test writes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from cluster.cluster import Clusters, load_clusters

NOWHERE = "http://127.0.0.1:1"
Edit = Callable[[dict[str, Any]], object]


async def load(kubeconfig: Path | str | None = None, *contexts: str, **options: Any) -> Clusters:
    options.setdefault("environ", {})
    path = None if kubeconfig is None else str(kubeconfig)
    return await load_clusters(kubeconfig=path, contexts=contexts, **options)


def names(clusters: Clusters) -> list[str]:
    return [cluster.name for cluster in clusters]


def rewrite(path: Path, edit: Edit, *, original: Path | str) -> Path:
    config = yaml.safe_load(original.read_text() if isinstance(original, Path) else original)
    edit(config)
    path.write_text(yaml.safe_dump(config))
    return path
