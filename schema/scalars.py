from __future__ import annotations

from datetime import datetime
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

BigInt = NewType("BigInt", int)


def _serialize_moment(value: datetime) -> str:
    return value.isoformat()


def _parse_moment(value: object) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("Give a moment as in `2026-01-31T12:00:00+00:00`.") from None


def scalar_map() -> dict[object, ScalarDefinition]:
    return {
        BigInt: strawberry.scalar(
            name="BigInt",
            description="An integer of up to 64 bits, as a JSON number.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
            serialize=int,
            parse_value=int,
        ),
        datetime: strawberry.scalar(
            name="DateTime",
            description="A moment with its time zone, as in `2026-01-31T12:00:00+00:00`.",
            specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
            serialize=_serialize_moment,
            parse_value=_parse_moment,
        ),
    }
