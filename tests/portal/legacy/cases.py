"""What does not fit here, with its rule and its line in the report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from models import (
    User,
    WebApp,
)
from portal.legacy.report import Rule
from tests.portal.legacy.former import (
    Edit,
)
from tests.portal.legacy.state import value


@dataclass(frozen=True)
class Case:
    """`seen` is asked afterwards and has to be `expected`."""

    edit: Edit
    rule: Rule
    subject: str
    seen: Callable[[], Awaitable[Any]]
    expected: Any


def of_user(key: int, name: str) -> Callable[[], Awaitable[Any]]:
    return lambda: value(User, key, name)


def of_webapp(key: int, name: str) -> Callable[[], Awaitable[Any]]:
    return lambda: value(WebApp, key, name)


async def id_of(username: str) -> int:
    return (await User.get(username=username)).id
