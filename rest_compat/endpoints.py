"""What clients call: one method of one path, answered by one operation or by several."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rest_compat.operations import Route, StoredOperation, Variable


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Operations on one path differ in a constant part of it, or in what their bodies hold.

    `name` is the only one of its kind in the API.
    """

    name: str
    method: str
    path: str
    routes: tuple[tuple[StoredOperation, Route], ...]

    @property
    def operations(self) -> list[StoredOperation]:
        return [operation for operation, _ in self.routes]

    @property
    def public(self) -> bool:
        return self.routes[0][1].public

    @property
    def nouns(self) -> list[str]:
        return list(dict.fromkeys(operation.noun for operation in self.operations))

    @property
    def path_variables(self) -> list[Variable]:
        operation, route = self.routes[0]
        return [each for each in operation.variables if each.name in route.path.variables]

    @property
    def choices(self) -> dict[str, dict[str, str]]:
        """By the name of a part of the path: its constants, and what each one stands for."""
        found: dict[str, dict[str, str]] = {}
        for operation, route in self.routes:
            for name, constant in route.path.constants.items():
                found.setdefault(name, {})[constant] = operation.summary
        return found

    @property
    def inputs(self) -> list[tuple[StoredOperation, tuple[Variable, ...]]]:
        """The variables that come with the body, for each operation that has some."""
        found = [(operation, operation.body_variables(route)) for operation, route in self.routes]
        return [(operation, variables) for operation, variables in found if variables]

    @property
    def retirement_headers(self) -> set[str]:
        """Which headers announce the end of one of the operations."""
        return {name for each in self.operations for name in each.retirement.headers}

    @property
    def signs_in(self) -> bool:
        return self.public and bool(self.inputs)

    @property
    def answers_without_body(self) -> bool:
        return any(operation.has_optional_body for operation in self.operations)


def endpoints(operations: Sequence[StoredOperation]) -> list[Endpoint]:
    """All endpoints, in the order of their documents."""
    grouped: dict[tuple[str, str], list[tuple[StoredOperation, Route]]] = {}
    for operation in operations:
        for route in operation.routes:
            grouped.setdefault((route.path.openapi, route.method), []).append((operation, route))
    return list(_named(grouped))


def uses_token(operation: StoredOperation, route: Route) -> bool:
    """A public mutation that takes nothing else can only be about the caller's own session."""
    return not route.public or (operation.kind == "mutation" and not operation.variables)


def _named(
    grouped: dict[tuple[str, str], list[tuple[StoredOperation, Route]]],
) -> Iterator[Endpoint]:
    taken: set[str] = set()
    for (path, method), routes in grouped.items():
        name = routes[0][0].name if len(routes) == 1 else _words(path)
        if name in taken:
            name += method.title()
        taken.add(name)
        yield Endpoint(name, method, path, tuple(routes))


def _words(path: str) -> str:
    constant = re.sub(r"\{\w+\}", "", path)
    return "".join(word.title() for word in re.findall(r"[^\W_]+", constant))
