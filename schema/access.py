"""What is asked for and decided about access to the clusters."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

import models
from resolvers import access, approval
from resolvers.approval import Terms
from resolvers.errors import PortalError
from schema.context import Context, PortalInfo
from schema.enums import AccessRequestState, AccessState, Permission
from schema.errors import user_errors
from schema.guard import guard
from schema.mutations import Payload
from schema.relay import LazyUser, Node, global_id, user_of

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
    def user(self) -> LazyUser:
        return user_of(self.row.user)


@strawberry.field(description="How far access to the cluster is, as of now.")
def access_state(root: User, info: PortalInfo) -> AccessState:
    return root.row.access_state_at(info.context.services.clock())


@strawberry.field(
    description="The newest request for access and what has become of it; null when there is none."
)
async def access_request(root: User, info: PortalInfo) -> AccessRequest | None:
    row = await info.context.loaders.access_request.load(root.row.id)
    return AccessRequest.of(row) if row else None


@strawberry.input(description="A request for access, for oneself.")
class RequestAccessInput:
    reason: str = strawberry.field(description="Why access is wanted, 1 to 1,000 characters.")


@strawberry.input(description="The approval of an open request, and what is granted.")
class ApproveAccessInput:
    database_id: int = strawberry.field(description="The user who asks; never oneself.")
    namespace: str = strawberry.field(
        description="The namespace in the cluster: an existing one is taken as it is; a new one is"
        " created, and the account gets the operator's cluster roles within it. None of `kube-…`."
    )
    service_account: str | None = strawberry.field(
        default=None,
        description="The service account, created where it is missing. Without one: the user name"
        " in lower case where Kubernetes takes it as a name, else `default`.",
    )
    cluster: str | None = strawberry.field(
        default=None, description="The cluster's name; without one, the default cluster."
    )
    groups: list[int] | None = strawberry.field(
        default=None,
        description="Database ids of up to 100 MANUAL groups into which the user is put as well;"
        " they outlast the access.",
    )
    expires_at: datetime | None = strawberry.field(
        default=None,
        description="When access ends by itself, a moment in the future with its time zone;"
        " without one, it does not.",
    )

    def terms(self) -> Terms:
        return Terms(
            namespace=self.namespace,
            service_account=self.service_account,
            cluster=self.cluster,
            group_ids=tuple(self.groups or ()),
            expires_at=self.expires_at,
        )


@strawberry.input(description="The rejection of an open request.")
class RejectAccessInput:
    database_id: int = strawberry.field(description="The user who asks; never oneself.")
    reason: str | None = strawberry.field(
        default=None, description="Why, for the user to read; up to 1,000 characters."
    )


@strawberry.input(description="The end of approved access.")
class RevokeAccessInput:
    database_id: int = strawberry.field(description="The user who has access; never oneself.")
    reason: str | None = strawberry.field(
        default=None, description="Why, for the user to read; up to 1,000 characters."
    )


@strawberry.type
class Outcome(Payload):
    user: LazyUser | None = strawberry.field(
        default=None, description="The user as of now; null when nothing was changed."
    )
    access_request: AccessRequest | None = strawberry.field(
        default=None, description="The request as of now; null when nothing was changed."
    )

    @classmethod
    async def of(cls, action: Awaitable[models.AccessRequest], context: Context) -> Self:
        try:
            request = await action
        except PortalError as error:
            return cls(user=None, access_request=None, errors=user_errors(error))
        context.forget()
        return cls(
            user=user_of(request.user),
            access_request=AccessRequest.of(request),
            errors=[],
        )


@strawberry.type(description="The outcome of a request for access.")
class RequestAccessPayload(Outcome):
    pass


@strawberry.type(description="The outcome of an approval.")
class ApproveAccessPayload(Outcome):
    pass


@strawberry.type(description="The outcome of a rejection.")
class RejectAccessPayload(Outcome):
    pass


@strawberry.type(description="The outcome of a withdrawal.")
class RevokeAccessPayload(Outcome):
    pass


RequestAccessArgument = Annotated[
    RequestAccessInput, strawberry.argument(description="What to tell the administrators.")
]
ApproveAccessArgument = Annotated[
    ApproveAccessInput, strawberry.argument(description="Whose request to approve, and what for.")
]
RejectAccessArgument = Annotated[
    RejectAccessInput, strawberry.argument(description="Whose request to reject, and why.")
]
RevokeAccessArgument = Annotated[
    RevokeAccessInput, strawberry.argument(description="Whose access to take away, and why.")
]


@strawberry.mutation(
    description="Ask the administrators for access to a cluster; repeated while they have not"
    " decided, it changes the reason. BAD_USER_INPUT for those who have access.",
    directives=guard(Permission.REQUEST_ACCESS),
)
async def request_access(info: PortalInfo, input: RequestAccessArgument) -> RequestAccessPayload:
    context = info.context
    action = access.request_access(context.services, context.actor, input.reason)
    return await RequestAccessPayload.of(action, context)


@strawberry.mutation(
    description="Approve an open request of somebody else, as an administrator: namespace and"
    " service account are made where they are missing, then access is granted. When the"
    " cluster fails half way nothing is approved, and a retry completes it. The same again by"
    " the same administrator changes nothing; otherwise CONFLICT says who decided.",
    directives=guard(Permission.DECIDE_ACCESS),
)
async def approve_access(info: PortalInfo, input: ApproveAccessArgument) -> ApproveAccessPayload:
    context = info.context
    action = approval.approve_access(
        context.services, context.actor, input.database_id, input.terms()
    )
    return await ApproveAccessPayload.of(action, context)


@strawberry.mutation(
    description="Reject an open request of somebody else, as an administrator, who may ask"
    " again. CONFLICT says who decided already.",
    directives=guard(Permission.DECIDE_ACCESS),
)
async def reject_access(info: PortalInfo, input: RejectAccessArgument) -> RejectAccessPayload:
    context = info.context
    action = access.reject_access(context.services, context.actor, input.database_id, input.reason)
    return await RejectAccessPayload.of(action, context)


@strawberry.mutation(
    description="Take away somebody else's access, as an administrator; the user may ask again."
    " No new token is given out from now on, but those given out live on for up to"
    " `KUBEPORTAL_TOKEN_LIFETIME`. Nothing in the cluster is deleted, and groups into which"
    " the user was put stay. CONFLICT when there is no access.",
    directives=guard(Permission.DECIDE_ACCESS),
)
async def revoke_access(info: PortalInfo, input: RevokeAccessArgument) -> RevokeAccessPayload:
    context = info.context
    action = access.revoke_access(context.services, context.actor, input.database_id, input.reason)
    return await RevokeAccessPayload.of(action, context)
