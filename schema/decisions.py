"""What is asked for and decided about access to the clusters."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Self

import strawberry

import models
from resolvers import access, approval, decisions
from resolvers.errors import PortalError
from resolvers.terms import Terms
from schema.access import AccessRequest
from schema.context import Context, PortalInfo
from schema.enums import Permission
from schema.errors import UserError, user_errors
from schema.guard import guard
from schema.users import User


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
class Outcome:
    user: User | None = strawberry.field(
        description="The user as of now; null when nothing was changed."
    )
    access_request: AccessRequest | None = strawberry.field(
        description="The request as of now; null when nothing was changed."
    )
    errors: list[UserError] = strawberry.field(description="Empty when it was done.")

    @classmethod
    async def of(cls, action: Awaitable[models.AccessRequest], context: Context) -> Self:
        try:
            request = await action
        except PortalError as error:
            return cls(user=None, access_request=None, errors=user_errors(error))
        context.forget()
        return cls(user=User.of(request.user), access_request=AccessRequest.of(request), errors=[])


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
    action = decisions.reject_access(
        context.services, context.actor, input.database_id, input.reason
    )
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
    action = decisions.revoke_access(
        context.services, context.actor, input.database_id, input.reason
    )
    return await RevokeAccessPayload.of(action, context)
