"""Changes of what somebody has read: only if it still is what they saw."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from tortoise.exceptions import IntegrityError
from tortoise.models import Model
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from models import Group, User, WebApp
from models.database import DatabaseBusy, take_turn
from resolvers.errors import BadUserInput, Complaint, Conflict, NotFound, TooBusy
from resolvers.rules import Values


@asynccontextmanager
async def turn(name: Complaint | None = None) -> AsyncIterator[None]:
    """A transaction that administrators have one after the other.

    name: the complaint about a name that somebody takes after it was checked, as sign-ups with
    Google do, which don't wait for their turn. Raises TooBusy.
    """
    try:
        async with in_transaction() as connection:
            await take_turn(connection)
            yield
    except DatabaseBusy:
        raise TooBusy from None
    except IntegrityError as error:
        if name is None:
            raise
        raise BadUserInput(name) from error


M = TypeVar("M", User, Group, WebApp)


class Outdated(Conflict):
    """It was changed after the caller had read it; `current` is how it is now."""

    def __init__(self, current: Model) -> None:
        super().__init__(
            "This was changed by somebody else since you read it: look at it as it is now."
        )
        self.current = current


async def found(model: type[M], row_id: int, version: int | None = None) -> M:
    """The row, of that version if one is given. Raises NotFound and Outdated."""
    row = await model.get_or_none(id=row_id)
    if row is None:
        raise NotFound
    if version not in (None, row.version):
        raise Outdated(row)
    return row


async def change(row: M, values: Values) -> M:
    """Writes the columns and returns the row as it is then. Raises NotFound and Outdated."""
    changed = await _as_read(row).update(**values, version=row.version + 1)
    return await (found(type(row), row.id) if changed else found(type(row), row.id, row.version))


async def delete(row: M) -> None:
    """Raises NotFound and Outdated."""
    if not await _as_read(row).delete():
        await found(type(row), row.id, row.version)


def _as_read(row: M) -> QuerySet[M]:
    return type(row).filter(id=row.id, version=row.version)
