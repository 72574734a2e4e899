"""Custom scalars."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NewType

import strawberry
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

BigInt = NewType("BigInt", int)
NOT_A_DATE_TIME = "Give a date and time with its offset, as in `2026-01-31T12:00:00+00:00`."


def _serialize_date_time(value: datetime) -> str:
    return value.isoformat()


def _parse_date_time(value: object) -> datetime:
    try:
        date_time = datetime.fromisoformat(value if isinstance(value, str) else "")
        if date_time.tzinfo:
            return date_time.astimezone(UTC)
    # Near the years 1 and 9999, a conversion to UTC leaves the range of datetime
    except (ValueError, OverflowError):
        pass
    raise ValueError(NOT_A_DATE_TIME)


def _parse_big_int(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    raise ValueError("Give an integer of up to 64 bits.")


def scalar_map() -> dict[object, ScalarDefinition]:
    return {
        BigInt: strawberry.scalar(
            name="BigInt",
            description="An integer of up to 64 bits. It is serialized as a JSON number.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
            serialize=int,
            parse_value=_parse_big_int,
        ),
        datetime: strawberry.scalar(
            name="DateTime",
            description="A date and time with its offset, such as `2026-01-31T12:00:00+00:00`.",
            specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
            serialize=_serialize_date_time,
            parse_value=_parse_date_time,
        ),
        JSON: strawberry.scalar(
            name="JSON",
            description="Any JSON value. It is not encoded as a string.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-3",
        ),
    }
