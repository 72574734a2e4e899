"""Positions as clients hold them: opaque texts that say which order they belong to."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

import orjson

from resolvers.orders import Key, MomentOrder, Order, Position

MAXIMUM_CURSOR = 4000
MAXIMUM_ID = 2**31 - 1


def cursor(order: Order, position: Position) -> str:
    return urlsafe_b64encode(orjson.dumps([order.name, position.id, position.key])).decode()


def parse_cursor(order: Order, text: str) -> Position:
    """Raises ValueError for everything but a cursor of that order."""
    if len(text) > MAXIMUM_CURSOR:
        raise ValueError("too long")
    match orjson.loads(urlsafe_b64decode(text)):
        case [order.name, int(row_id), str() | None as given] if 0 <= row_id <= MAXIMUM_ID:
            key = _moment(given) if isinstance(order, MomentOrder) else given
            if order.has_key(key):
                return Position(int(row_id), key)
    raise ValueError("not of this order")


def _moment(text: str | None) -> Key:
    try:
        return text and datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError("in no calendar") from None
