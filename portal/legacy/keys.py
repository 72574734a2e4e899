"""Whether rows can be told apart."""

from __future__ import annotations

from collections import Counter

from portal.legacy.mistakes import LegacyError
from portal.legacy.release import GROUPS, USERS, WEBAPPS
from portal.legacy.source import Source
from portal.logs import printable

SHOWN = 5


async def check_keys(source: Source) -> None:
    """Raises LegacyError for ids that are no numbers, or those of two rows.

    No database that the former portal has made itself has such ones.
    """
    for table in (USERS, GROUPS, WEBAPPS):
        ids = [row["id"] for row in await source.rows(f'SELECT "id" FROM "{table}"')]  # noqa: S608
        if strange := [key for key in ids if not isinstance(key, int)]:
            raise LegacyError(f"{source.label}: {table} has ids that are none: {_listed(strange)}")
        if double := [key for key, number in Counter(ids).items() if number > 1]:
            raise LegacyError(f"{source.label}: {table} has two rows each of id {_listed(double)}")


def _listed(ids: list[object]) -> str:
    return ", ".join(printable(str(key)) for key in ids[:SHOWN])
