from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from models.turns import DatabaseBusy, take_turn
from resolvers.errors import BadUserInput, Complaint, TooBusy


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
