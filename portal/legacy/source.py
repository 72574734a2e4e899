"""Where the former portal keeps its rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

Row = Mapping[str, Any]


class Source(Protocol):
    """A database that can only be read, and stays as it was when it was opened.

    label: what people may read about where it is, without a password.
    """

    @property
    def label(self) -> str: ...

    async def columns(self) -> Mapping[str, set[str]]:
        """The names of the columns of each table."""

    async def rows(self, query: str) -> list[Row]:
        """All rows at once."""

    def batches(self, query: str, size: int) -> AsyncIterator[list[Row]]:
        """The rows a few at a time; other queries may come in between."""
