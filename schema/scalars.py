from __future__ import annotations

from datetime import UTC, datetime
from typing import NewType

import strawberry
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

BigInt = NewType("BigInt", int)
NO_MOMENT = "Give a moment with its time zone, as in `2026-01-31T12:00:00+00:00`."


def _serialize_moment(value: datetime) -> str:
    return value.isoformat()


def _parse_moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
        if moment.tzinfo:
            return moment.astimezone(UTC)
    # At the ends of the calendar there are moments that other time zones can't express
    except (ValueError, OverflowError):
        pass
    raise ValueError(NO_MOMENT)


def _parse_big_int(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    raise ValueError("Give an integer of up to 64 bits.")


def scalar_map() -> dict[object, ScalarDefinition]:
    return {
        BigInt: strawberry.scalar(
            name="BigInt",
            description="An integer of up to 64 bits, as a JSON number.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
            serialize=int,
            parse_value=_parse_big_int,
        ),
        datetime: strawberry.scalar(
            name="DateTime",
            description="A moment with its time zone, as in `2026-01-31T12:00:00+00:00`.",
            specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
            serialize=_serialize_moment,
            parse_value=_parse_moment,
        ),
        JSON: strawberry.scalar(
            name="JSON",
            description="Any JSON value, by itself and not in a text.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-3",
        ),
    }
