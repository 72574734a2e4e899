from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from schema.context import PortalInfo
from schema.enums import AccessRequestState, AccessState, Permission
from schema.guard import guard
from schema.node import Node, global_id

if TYPE_CHECKING:
    from schema.users import User


@strawberry.type(
    description="A request for access to a cluster: readable by who asks and by administrators.",
    directives=guard(Permission.SEE_ACCESS_REQUEST),
)
class AccessRequest(Node):
    row: strawberry.Private[models.AccessRequest]
    database_id: int = strawberry.field(description="The integer id.")
    state: AccessRequestState = strawberry.field(
        description="What has become of it; after `expiresAt` it becomes EXPIRED within a minute,"
        " though access ends at once."
    )
    reason: str = strawberry.field(
        description="Why access is wanted; empty when the operator or an import gave it unasked."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    decided_at: datetime | None = strawberry.field(
        description="When it was approved or rejected; null while it is open."
    )
    decided_by: str | None = strawberry.field(
        description="The name of the administrator who approved or rejected it; null while it is"
        " open, and when there is no such account."
    )
    decision_reason: str | None = strawberry.field(
        description="Why it was decided so; null when that was not said."
    )
    cluster: str | None = strawberry.field(
        description="The cluster of the granted account; null for the default cluster, and when"
        " nothing was granted."
    )
    namespace: str | None = strawberry.field(
        description="The namespace of the granted account; null when nothing was granted."
    )
    service_account: str | None = strawberry.field(
        description="The name of the granted account; null when nothing was granted."
    )
    expires_at: datetime | None = strawberry.field(
        description="When approved access ends by itself; null when it does not."
    )
    ended_at: datetime | None = strawberry.field(
        description="When approved access ended; null while it is in force."
    )
    ended_by: str | None = strawberry.field(
        description="The name of the administrator who took access away; null when nobody did."
    )
    end_reason: str | None = strawberry.field(
        description="Why access was taken away; null when that was not said."
    )

    @classmethod
    def of(cls, row: models.AccessRequest) -> AccessRequest:
        """From a row with its people and its account."""
        account = row.service_account
        return cls(
            row=row,
            id=global_id("AccessRequest", row.id),
            database_id=row.id,
            state=row.state,
            reason=row.reason,
            created_at=row.created_at,
            decided_at=row.decided_at,
            decided_by=row.decided_by.display_name if row.decided_by else None,
            decision_reason=row.decision_reason or None,
            cluster=(account.cluster or None) if account else None,
            namespace=account.namespace if account else None,
            service_account=account.name if account else None,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            ended_by=row.ended_by.display_name if row.ended_by else None,
            end_reason=row.end_reason or None,
        )

    @strawberry.field(description="Who asks.")
    def user(self) -> Annotated[User, strawberry.lazy("schema.users")]:
        from schema.users import User

        return User.of(self.row.user)


@strawberry.field(description="How far access to the cluster is, as of now.")
def access_state(root: User, info: PortalInfo) -> AccessState:
    return root.row.access_state_at(info.context.services.clock())


@strawberry.field(
    description="The newest request for access and what has become of it; null when there is none."
)
async def access_request(root: User, info: PortalInfo) -> AccessRequest | None:
    row = await info.context.loaders.access_request.load(root.row.id)
    return AccessRequest.of(row) if row else None
