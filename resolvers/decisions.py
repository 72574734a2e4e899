"""What administrators decide about requests for access. The first decision counts."""

from __future__ import annotations

from tortoise.transactions import in_transaction

from models import AccessRequest, AccessRequestState, AccessState, AuditKind, User
from resolvers.access import decided, latest_of, open_request, reason_complaint
from resolvers.actor import Actor
from resolvers.audit import record
from resolvers.errors import BadUserInput, Complaint, Conflict, Forbidden
from resolvers.notices import tell_user
from resolvers.services import Services
from resolvers.users import any_user
from resolvers.withdrawal import End, hold, withdraw


async def candidate(actor: Actor, user_id: int) -> User:
    """Whom the actor may decide about: anybody else, for administrators.

    Raises Unauthenticated, Forbidden or NotFound.
    """
    await actor.require_admin()
    if user_id == actor.user.id:
        raise Forbidden("Nobody decides about their own access: ask another administrator.")
    return await any_user(actor, user_id)


async def reject_access(
    services: Services, actor: Actor, user_id: int, reason: str | None
) -> AccessRequest:
    """Refuses the open request; the same again by the same administrator changes nothing.

    Raises what `candidate` raises, BadUserInput for the reason, and Conflict without an open
    request.
    """
    user, text = await candidate(actor, user_id), _checked(reason)
    rejected = await _reject(services, actor, user, text)
    if rejected is None:
        latest = await latest_of(user.id)
        same = (AccessRequestState.REJECTED, actor.user.id, text)
        if latest and (latest.state, latest.decided_by_id, latest.decision_reason) == same:
            return latest
        raise conflict(user, latest)
    return await announced(services, rejected)


async def revoke_access(
    services: Services, actor: Actor, user_id: int, reason: str | None
) -> AccessRequest:
    """Takes approved access away; the same again by the same administrator changes nothing.

    Groups stay as they are, and so does everything in the cluster. Raises what `candidate`
    raises, BadUserInput for the reason, and Conflict when there is no access.
    """
    user, text = await candidate(actor, user_id), _checked(reason)
    end = End(AccessRequestState.REVOKED, services.clock(), actor, text)
    revoked = await withdraw(user.id, end)
    if revoked is None:
        latest = await latest_of(user.id)
        same = (AccessRequestState.REVOKED, actor.user.id, text)
        if latest and (latest.state, latest.ended_by_id, latest.end_reason) == same:
            return latest
        raise conflict(user, latest)
    return await announced(services, revoked)


async def announced(services: Services, request_id: int) -> AccessRequest:
    """The request as decided; its user is told."""
    request = await decided(request_id)
    tell_user(services, request)
    return request


def conflict(user: User, latest: AccessRequest | None) -> Conflict:
    """Why a decision comes too late or too early, and who was first."""
    has_access = (latest.user if latest else user).access_state == AccessState.APPROVED
    if has_access and (latest is None or latest.state != AccessRequestState.APPROVED):
        return Conflict(f"{user.display_name} has access already.")
    if latest is None:
        return Conflict(f"{user.display_name} has no open request for access.")
    if latest.state == AccessRequestState.OPEN:
        return Conflict(f"{user.display_name} has asked anew: read the new request first.")
    decider = latest.ended_by if latest.ended_at else latest.decided_by
    by = f"by {decider.display_name}" if decider else "without an administrator"
    what = {
        AccessRequestState.APPROVED: "has been approved already",
        AccessRequestState.REJECTED: "has been rejected already",
        AccessRequestState.REVOKED: "has been withdrawn",
        AccessRequestState.EXPIRED: "has expired",
    }[latest.state]
    return Conflict(f"Access of {user.display_name} {what}, {by}.")


async def _reject(services: Services, actor: Actor, user: User, reason: str) -> int | None:
    now = services.clock()
    async with in_transaction():
        if not await hold(user.id, AccessState.REQUESTED):
            return None
        request, _ = await open_request(user.id, now)
        await User.filter(id=user.id).update(access_state=AccessState.REJECTED)
        await AccessRequest.filter(id=request.id).update(
            state=AccessRequestState.REJECTED,
            decided_at=now,
            decided_by_id=actor.user.id,
            decision_reason=reason,
        )
        await record(actor, AuditKind.ACCESS_REJECTED, user, request=request.id)
    return request.id


def _checked(reason: str | None) -> str:
    text = (reason or "").strip()
    if complaint := reason_complaint(text):
        raise BadUserInput(Complaint(complaint, "reason"))
    return text
