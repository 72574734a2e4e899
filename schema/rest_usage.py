from __future__ import annotations

from datetime import datetime

import strawberry

import models
from schema.enums import Permission
from schema.guard import guard
from schema.scalars import BigInt


@strawberry.type(
    description="How often a client has called a route of the REST API: see who has to move before"
    " the route can go.",
    directives=guard(Permission.ADMINISTRATE),
)
class RestUsage:
    method: str = strawberry.field(description="The method of HTTP.")
    route: str = strawberry.field(description="The path below the version, as `/users/{id}/`.")
    document: str = strawberry.field(
        description="The operation that answers: its name is the `documentId` with which GraphQL"
        " clients run the same."
    )
    client: str | None = strawberry.field(
        description="Who calls: the origin of a page, else the product that the User-Agent names."
        " `(others)` are all beyond the first clients of a route; null when a client does not say."
    )
    count: BigInt = strawberry.field(
        description="How many calls there were, successful or not; those that were refused because"
        " nobody was signed in do not count."
    )
    first_seen_at: datetime = strawberry.field(description="When the first of them was.")
    last_seen_at: datetime = strawberry.field(
        description="When the last of them was; after a year without another one the row goes."
    )

    @classmethod
    def of(cls, row: models.RestUsage) -> RestUsage:
        return cls(
            method=row.method,
            route=row.route,
            document=row.document,
            client=row.client or None,
            count=BigInt(row.count),
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
        )
