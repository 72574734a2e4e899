"""The OpenAPI description of the REST API, generated from its documents and the schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_compat.operations import StoredOperation


def describe(operations: Sequence[StoredOperation], *, version: str) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"version": version}, "paths": {}}
