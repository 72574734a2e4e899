from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rest_compat.operations import Route, StoredOperation


class Match(NamedTuple):
    operation: StoredOperation
    route: Route
    texts: dict[str, str]


class RouteTable:
    """Which operations answer a path; several may share one, told apart by what they need."""

    def __init__(self, operations: Sequence[StoredOperation]) -> None:
        self._routes = [
            (operation, route) for operation in operations for route in operation.routes
        ]

    def matches(self, path: str) -> list[Match]:
        return [
            Match(operation, route, texts)
            for operation, route in self._routes
            if (texts := route.path.match(path)) is not None
        ]
