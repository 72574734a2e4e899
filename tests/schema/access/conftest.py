from __future__ import annotations

import pytest

from cluster.cluster import Clusters
from models import User
from portal.settings import Settings
from tests.callers import Caller, People
from tests.provisioned import Provisioned
from tests.schema.access.calls import ROLES
from tests.stand_in import clusters_of


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"namespace_clusterroles": ROLES})


@pytest.fixture
def main() -> Provisioned:
    return Provisioned("main")


@pytest.fixture
def edge() -> Provisioned:
    return Provisioned("edge")


@pytest.fixture
def clusters(main: Provisioned, edge: Provisioned) -> Clusters:
    return clusters_of(main, edge)


@pytest.fixture
async def root(anonymous: Caller, people: People, password_hash: str) -> Caller:
    """A superuser with names."""
    await User.create(
        username="root",
        first_name="Rita",
        last_name="Root",
        is_superuser=True,
        password_hash=password_hash,
    )
    return await anonymous.sign_in("root", "correct horse")
