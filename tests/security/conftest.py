"""How many hostile requests are tried: few and always the same ones, or many and new ones."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from cluster.cluster import Clusters
from tests.callers import Caller, Clock, People
from tests.security.probing import ROLES, Probe, probing
from tests.security.whole_cluster import WholeCluster
from tests.stand_in import clusters_of

PROFILE = "KUBEPORTAL_TEST_FUZZ"
COMMON = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))

settings.register_profile("few", COMMON, max_examples=2, derandomize=True)
settings.register_profile("many", COMMON, max_examples=100, print_blob=True)
settings.load_profile(os.environ.get(PROFILE, "few"))


@pytest.fixture
def clusters(clock: Clock) -> Clusters:
    return clusters_of(WholeCluster(clock))


@pytest.fixture(params=ROLES)
async def probe(
    request: pytest.FixtureRequest, anonymous: Caller, people: People, clock: Clock
) -> AsyncIterator[Probe]:
    async with probing(request.param, anonymous, people, clock) as probe:
        yield probe


@pytest.fixture
async def anonymous_probe(anonymous: Caller, people: People, clock: Clock) -> AsyncIterator[Probe]:
    async with probing("anonymous", anonymous, people, clock) as probe:
        yield probe
