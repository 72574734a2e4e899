from __future__ import annotations

import strawberry
from strawberry.schema_directive import Location

from schema.enums import Permission


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    description="Who may read the fields of the type, or use the field: those who hold the"
    " permission. Pages and payloads are for whoever may use the field that leads to them.",
)
class Guard:
    permission: Permission = strawberry.field(description="What the caller must hold.")


def guard(permission: Permission) -> list[object]:
    """For the `directives` of a type or a field."""
    return [Guard(permission=permission)]
