"""A portal with one cluster, whose facts and limits a test sets."""

from __future__ import annotations

import pytest

from cluster.cluster import Clusters
from portal.web.streams import StreamLimits
from tests.stand_in import StandIn, clusters_of


@pytest.fixture
def database_kind() -> str:
    """Nothing here depends on the kind of database."""
    return "sqlite"


@pytest.fixture
def main() -> StandIn:
    return StandIn()


@pytest.fixture
def clusters(main: StandIn) -> Clusters:
    return clusters_of(main)


@pytest.fixture
def limits() -> StreamLimits:
    return StreamLimits()


@pytest.fixture
def stream_limits(limits: StreamLimits) -> StreamLimits:
    return limits
