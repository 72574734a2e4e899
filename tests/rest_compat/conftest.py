from __future__ import annotations

from typing import Any

import pytest

from portal.web.app import REST_DOCUMENTS
from rest_compat.openapi import describe
from rest_compat.operations import StoredOperation, load
from schema.executor import Executor
from schema.root import build_schema

VERSION = "v1.4.0"


@pytest.fixture(scope="session")
def operations() -> list[StoredOperation]:
    return load(REST_DOCUMENTS, Executor(build_schema()).graphql_schema)


@pytest.fixture(scope="session")
def description(operations: list[StoredOperation]) -> dict[str, Any]:
    return describe(operations, version=VERSION)
