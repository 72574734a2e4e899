from __future__ import annotations

import pytest

pytest_plugins = [
    "tests.databases",
    "tests.callers",
    "tests.openid",
    "tests.testbed",
]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
