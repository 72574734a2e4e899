"""Requests for access to the clusters, and the decisions about them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

import strawberry

import models
from resolvers import access, approval
from resolvers.approval import AccessPolicy
from schema.context import Context, PortalInfo
from schema.enums import AccessRequestState, AccessState, Permission
from schema.guard import guard
from schema.mutations import Input, Payload
from schema.relay import LazyUser, Node, global_id, user_of

if TYPE_CHECKING:
    from schema.types import User


@strawberry.type(
    description="A request for access to a cluster. Readable by the requesting user and by"
    " administrators.",
    directives=guard(Permission.SEE_ACCESS_REQUEST),
)
class AccessRequest(Node):
    row: strawberry.Private[models.AccessRequest]
    database_id: int = strawberry.field(description="The integer id.")
    state: AccessRequestState = strawberry.field(
        description="The state of the request. It becomes EXPIRED within seconds after `expiresAt`;"
        " access ends at that time nevertheless."
    )
    reason: str = strawberry.field(
        description="Why the user requests access; empty when the operator granted access without"
        " a request."
    )
    created_at: datetime = strawberry.field(description="Creation time.")
    decided_at: datetime | None = strawberry.field(
        description="Time of the approval or rejection; null while the request is open."
    )
    decided_by: str | None = strawberry.field(
        description="The name of the administrator who approved or rejected the request; null"
        " while it is open, and when no account decided it."
    )
    decision_reason: str | None = strawberry.field(
        description="The reason for the decision; null without one."
    )
    cluster: str | None = strawberry.field(
        description="The cluster of the granted service account; null for the default cluster, and"
        " without a granted service account."
    )
    namespace: str | None = strawberry.field(
        description="The namespace of the granted service account; null without one."
    )
    service_account: str | None = strawberry.field(
        description="The name of the granted service account; null without one."
    )
    expires_at: datetime | None = strawberry.field(
        description="Expiry time of the approved access; null when it does not expire."
    )
    ended_at: datetime | None = strawberry.field(
        description="Time when the approved access ended; null while it lasts."
    )
    ended_by: str | None = strawberry.field(
        description="The name of the administrator who revoked the access; null when no account"
        " revoked it."
    )
    end_reason: str | None = strawberry.field(
        description="The reason for the revocation; null without one."
    )

    namespace_is_managed: bool | None = strawberry.field(
        description="Whether the portal created the namespace for the user. If so, the portal"
        " removes the role bindings of the service account when the access ends; if not, the"
        " operator of the cluster has to. Null without a granted service account."
    )
    bindings_removed_at: datetime | None = strawberry.field(
        description="Time when the portal removed its role bindings from the cluster after the"
        " access had ended; null before. A failing cluster is retried until it is done."
    )
    remaining_bindings: list[str] = strawberry.field(
        description="The other role bindings and cluster role bindings that the service account had"
        " at `bindingsRemovedAt`. The portal did not create them and does not remove them."
    )

    @classmethod
    def of(cls, row: models.AccessRequest) -> AccessRequest:
        """From a row with its related users and service account."""
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
            namespace_is_managed=row.namespace_is_managed,
            bindings_removed_at=row.bindings_removed_at,
            remaining_bindings=row.remaining_bindings,
        )

    @strawberry.field(description="The user who requests access.")
    def user(self) -> LazyUser:
        return user_of(self.row.user)


@strawberry.field(description="The current state of the user's access to the cluster.")
def access_state(root: User, info: PortalInfo) -> AccessState:
    return root.row.access_state_at(info.context.services.clock())


@strawberry.field(
    description="The latest request for access, open or decided; null when there is none."
)
async def access_request(root: User, info: PortalInfo) -> AccessRequest | None:
    row = await info.context.loaders.access_request.load(root.row.id)
    return AccessRequest.of(row) if row else None


@strawberry.input(description="The input of `requestAccess`.")
class RequestAccessInput:
    reason: str = strawberry.field(description="Why access is needed, 1 to 1,000 characters.")


@strawberry.input
class DecisionInput:
    database_id: int = strawberry.field(
        description="The integer id of the user. The requesting user is not allowed."
    )


@strawberry.input(description="The input of `approveAccess`.")
class ApproveAccessInput(DecisionInput):
    namespace: str = strawberry.field(
        description="The namespace in the cluster. A missing one is created, and the service"
        " account is bound to the operator's cluster roles in it, also when the user returns to it."
        " Any other one is used unchanged; ending rights in it takes the operator of the cluster."
        " Names that begin with `kube-` are not allowed."
    )
    service_account: str | None = strawberry.field(
        default=None,
        description="The name of the service account, which is created if it is missing. By"
        " default the user name in lower case if Kubernetes allows it as a name, else `default`.",
    )
    cluster: str | None = strawberry.field(
        default=None, description="The name of the cluster; by default, the default cluster."
    )
    groups: list[int] | None = strawberry.field(
        default=None,
        description="The integer ids of up to 100 MANUAL groups that the user is added to. The"
        " memberships remain when the access ends.",
    )
    expires_at: datetime | None = strawberry.field(
        default=None,
        description="Expiry time of the access, in the future; by default, it does not expire.",
    )

    def policy(self) -> AccessPolicy:
        return AccessPolicy(
            namespace=self.namespace,
            service_account=self.service_account,
            cluster=self.cluster,
            group_ids=tuple(self.groups or ()),
            expires_at=self.expires_at,
        )


REASON = "The reason, which the user can read; up to 1,000 characters."


@strawberry.input(description="The input of `rejectAccess`.")
class RejectAccessInput(DecisionInput):
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="The input of `revokeAccess`.")
class RevokeAccessInput(DecisionInput):
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.type
class AccessPayload(Payload):
    user: LazyUser | None = strawberry.field(
        default=None, description="The user after the mutation; null after a failure."
    )
    access_request: AccessRequest | None = strawberry.field(
        default=None, description="The request after the mutation; null after a failure."
    )

    @classmethod
    async def of(cls, row: models.AccessRequest, context: Context) -> Self:
        return cls(user=user_of(row.user), access_request=AccessRequest.of(row))


@strawberry.type(description="The result of `requestAccess`.")
class RequestAccessPayload(AccessPayload):
    pass


@strawberry.type(description="The result of `approveAccess`.")
class ApproveAccessPayload(AccessPayload):
    pass


@strawberry.type(description="The result of `rejectAccess`.")
class RejectAccessPayload(AccessPayload):
    pass


@strawberry.type(description="The result of `revokeAccess`.")
class RevokeAccessPayload(AccessPayload):
    pass


@strawberry.mutation(
    description="Requests access to a cluster for the requesting user. If a request is open"
    " already, its reason is replaced. BAD_USER_INPUT for users with access.",
    directives=guard(Permission.REQUEST_ACCESS),
)
async def request_access(
    info: PortalInfo, input: Input[RequestAccessInput]
) -> RequestAccessPayload:
    context = info.context
    row = await access.request_access(context.services, context.actor, input.reason)
    return await RequestAccessPayload.of(row, context)


@strawberry.mutation(
    description="Approves the open request of another user. For administrators. A missing"
    " namespace or service account is created before access is granted. If the cluster fails,"
    " nothing is approved, and a retry continues. Repeating the same approval changes nothing."
    " CONFLICT if the request was decided differently; the message names the administrator.",
    directives=guard(Permission.DECIDE_ACCESS),
)
async def approve_access(
    info: PortalInfo, input: Input[ApproveAccessInput]
) -> ApproveAccessPayload:
    context = info.context
    row = await approval.approve_access(
        context.services, context.actor, input.database_id, input.policy()
    )
    return await ApproveAccessPayload.of(row, context)


@strawberry.mutation(
    description="Rejects the open request of another user. For administrators. The user may"
    " request access again. CONFLICT if the request was decided differently; the message names"
    " the administrator.",
    directives=guard(Permission.DECIDE_ACCESS),
)
async def reject_access(info: PortalInfo, input: Input[RejectAccessInput]) -> RejectAccessPayload:
    context = info.context
    row = await access.reject_access(
        context.services, context.actor, input.database_id, input.reason
    )
    return await RejectAccessPayload.of(row, context)


@strawberry.mutation(
    description="Revokes the access of another user. For administrators. The user may request"
    " access again. No new token is issued, and the role bindings that the portal created for the"
    " approval are removed from the cluster, so that every token of the service account loses its"
    " rights. `bindingsRemovedAt` is null if the cluster fails; the portal retries. Other objects"
    " in the cluster and memberships of groups remain."
    " CONFLICT if the user has no access.",
    directives=guard(Permission.DECIDE_ACCESS),
)
async def revoke_access(info: PortalInfo, input: Input[RevokeAccessInput]) -> RevokeAccessPayload:
    context = info.context
    row = await access.revoke_access(
        context.services, context.actor, input.database_id, input.reason
    )
    return await RevokeAccessPayload.of(row, context)
