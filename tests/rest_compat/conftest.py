from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from portal.web.app import Contract
from rest_compat.openapi import describe
from rest_compat.operations import StoredOperation

VERSION = "v1.4.0"


@pytest.fixture(scope="session")
def operations(contract: Contract) -> Sequence[StoredOperation]:
    return contract.operations


@pytest.fixture(scope="session")
def description(operations: Sequence[StoredOperation]) -> dict[str, Any]:
    return describe(operations, version=VERSION)
