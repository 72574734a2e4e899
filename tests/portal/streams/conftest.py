"""A portal with one cluster, whose facts and limits a test sets."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette

from cluster.cluster import Clusters
from portal.settings import Settings
from portal.web.app import create_app
from portal.web.streams import StreamLimits
from tests.callers import Clock
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
def app(
    settings: Settings, database: object, clock: Clock, clusters: Clusters, limits: StreamLimits
) -> Starlette:
    return create_app(settings, clock=clock, clusters=clusters, stream_limits=limits)
