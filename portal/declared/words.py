"""Fields and values in the words of a declaration."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic.alias_generators import to_camel

from models import ServiceAccount
from portal.logs import printable


def field(name: str) -> str:
    """A field of a model as a declaration spells it."""
    return to_camel(name.removeprefix("is_"))


def value(given: Any) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, ServiceAccount):
        return account(given)
    if isinstance(given, list):
        return f"[{', '.join(map(str, given))}]"
    if isinstance(given, Enum):
        return str(given.value)
    return "none" if given is None else f'"{printable(str(given))}"'


def account(given: ServiceAccount) -> str:
    cluster = f" in {given.cluster}" if given.cluster else ""
    return f"{given.qualified_name}{cluster}"
