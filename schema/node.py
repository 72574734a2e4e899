from __future__ import annotations

from uuid import UUID

import strawberry
from strawberry.relay.utils import from_base64, to_base64

from resolvers.errors import BadUserInput, Complaint
from resolvers.pages import row_id

NO_ID = "This is no such global id: take it from the `id` of an object."


@strawberry.interface(description="Anything that can be fetched again by its global id.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="A global id: opaque, unique across types, the same for ever."
    )


def global_id(type_name: str, key: int | UUID) -> strawberry.ID:
    return strawberry.ID(to_base64(type_name, str(key)))


def parse_global_id(global_id: str) -> tuple[str, int]:
    """The type's name and the database id. Raises BadUserInput."""
    try:
        type_name, database_id = from_base64(global_id)
        return type_name, row_id(database_id)
    except ValueError:
        raise BadUserInput(Complaint(NO_ID, "id")) from None


def parse_unique_id(global_id: str, type_name: str) -> UUID:
    """The key of an object of that type whose keys are UUIDs. Raises BadUserInput."""
    try:
        given_type, key = from_base64(global_id)
        if given_type == type_name:
            return UUID(key)
    except ValueError:
        pass
    raise BadUserInput(Complaint(NO_ID, "id"))
