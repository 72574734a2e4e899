"""Access to a cluster: requests, the decisions about them, and the end of access."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from tortoise.functions import Max
from tortoise.queryset import QuerySet

from models import AccessRequest, AccessRequestState, AccessState, AuditActor, User
from models.access import REASON_LENGTH
from resolvers.actor import Actor
from resolvers.changes import Change, ExpireAccess, SetAccess, WriteOptions
from resolvers.checks import batches
from resolvers.errors import BadUserInput, Conflict, FieldError, Forbidden, NotFound
from resolvers.mail import mail_administrators, mail_user
from resolvers.pages import find
from resolvers.removal import try_to_remove_bindings
from resolvers.rules import BLANK, lines
from resolvers.services import Services
from resolvers.writes import writing

RELATED = ("user", "decided_by", "ended_by", "service_account")


def visible_to(actor: Actor) -> QuerySet[AccessRequest]:
    """Every request for administrators, else one's own."""
    return _all() if actor.is_admin else _all().filter(user_id=actor.user.id)


async def access_request(actor: Actor, request_id: int) -> AccessRequest:
    """One's own, for administrators any. Raises Forbidden, or NotFound for a missing one."""
    found = await visible_to(actor).get_or_none(id=request_id)
    if found is not None:
        return found
    if await AccessRequest.exists(id=request_id):
        raise Forbidden
    raise NotFound


def search(state: AccessRequestState | None) -> QuerySet[AccessRequest]:
    """All requests, or those in the state."""
    return _all().filter(state=state) if state else _all()


async def latest_visible(actor: Actor, user_ids: Sequence[int]) -> list[AccessRequest | None]:
    """The newest request of each user, None where there is none that the actor may see."""
    visible = visible_to(actor)
    newest = AccessRequest.filter(user_id__in=user_ids).annotate(newest=Max("id"))
    ids = await newest.group_by("user_id").values_list("newest", flat=True)
    found = {request.user_id: request for request in await visible.filter(id__in=ids)}
    return [found.get(user_id) for user_id in user_ids]


async def latest_of(user_id: int) -> AccessRequest | None:
    return await _all().filter(user_id=user_id).order_by("-id").first()


async def request_access(services: Services, actor: Actor, reason: str) -> AccessRequest:
    """Opens a request, or changes the reason of an open one. Mails administrators a new one.

    Raises BadUserInput for the reason, and for a user who has access.
    """
    user_id, text = actor.user.id, _clean_reason(reason)
    if not text:
        raise BadUserInput(FieldError(BLANK, ("reason",)))
    async with writing(actor, services.write_options()) as writer:
        user = await find(User, user_id)
        if user.access_state_at(services.clock()) == AccessState.APPROVED:
            raise BadUserInput(FieldError("You have access already."))
        await writer.write([SetAccess(user, AccessState.REQUESTED, reason=text)])
    request = await _all().get(id=writer.requests[user_id].id)
    if user_id in writer.new_requests:
        await mail_administrators(services, request)
    return request


async def candidate(actor: Actor, user_id: int) -> User:
    """The user about whose access an administrator decides. Raises Forbidden for oneself."""
    if user_id == actor.user.id:
        raise Forbidden("Nobody decides about their own access: ask another administrator.")
    return await find(User, user_id)


async def reject_access(
    services: Services, actor: Actor, user_id: int, reason: str | None
) -> AccessRequest:
    """Rejects the open request; repeated by the same administrator it changes nothing.

    Raises what `candidate` raises, BadUserInput for the reason, and Conflict without an open
    request.
    """
    candidate_user, text = await candidate(actor, user_id), _clean_reason(reason)
    states = (AccessState.REQUESTED,)
    rejected = await decide(
        services,
        actor,
        user_id,
        lambda user: [SetAccess(user, AccessState.REJECTED, reason=text, when=states)],
    )
    if rejected is None:
        latest = await latest_of(user_id)
        same = (AccessRequestState.REJECTED, actor.user.id, text)
        if latest and (latest.state, latest.decided_by_id, latest.decision_reason) == same:
            return latest
        raise conflict(candidate_user, latest)
    return rejected


async def revoke_access(
    services: Services, actor: Actor, user_id: int, reason: str | None
) -> AccessRequest:
    """Ends approved access; repeated by the same administrator it changes nothing.

    The role bindings of the approval are removed from the cluster, later if it fails now. Groups
    and everything else in the cluster remain. Raises what `candidate` raises, BadUserInput for the
    reason, and Conflict when there is no access.
    """
    candidate_user, text = await candidate(actor, user_id), _clean_reason(reason)
    states = (AccessState.APPROVED,)
    revoked = await decide(
        services,
        actor,
        user_id,
        lambda user: [SetAccess(user, AccessState.NEW, reason=text, when=states)],
    )
    if revoked is None:
        latest = await latest_of(user_id)
        same = (AccessRequestState.REVOKED, actor.user.id, text)
        if latest and (latest.state, latest.ended_by_id, latest.end_reason) == same:
            return latest
        raise conflict(candidate_user, latest)
    await try_to_remove_bindings(services.clusters, revoked.key, services.clock())
    return await _all().get(id=revoked.id)


async def decide(
    services: Services,
    actor: Actor,
    user_id: int,
    changes: Callable[[User], Sequence[Change]],
) -> AccessRequest | None:
    """The first decision counts: None when another one has changed the state. Mails the user."""
    try:
        async with writing(actor, services.write_options()) as writer:
            user = await find(User, user_id)
            await writer.write(changes(user))
    except Conflict:
        return None
    request = await _all().get(id=writer.requests[user_id].id)
    mail_user(services, request)
    return request


def conflict(user: User, latest: AccessRequest | None) -> Conflict:
    """Why a decision does not apply, and who made the former one."""
    has_access = (latest.user if latest else user).access_state == AccessState.APPROVED
    if has_access and (latest is None or latest.state != AccessRequestState.APPROVED):
        return Conflict(f"{user.display_name} has access already.")
    if latest is None:
        return Conflict(f"{user.display_name} has no open request for access.")
    if latest.state == AccessRequestState.OPEN:
        return Conflict(f"{user.display_name} has asked anew: read the new request first.")
    decider = latest.ended_by if latest.ended_at else latest.decided_by
    by = f"by {decider.display_name}" if decider else "without an administrator"
    outcome = {
        AccessRequestState.APPROVED: "has been approved already",
        AccessRequestState.REJECTED: "has been rejected already",
        AccessRequestState.REVOKED: "has been withdrawn",
        AccessRequestState.EXPIRED: "has expired",
    }[latest.state]
    return Conflict(f"Access of {user.display_name} {outcome}, {by}.")


async def expire_access(now: datetime) -> int:
    """Records access that has expired, and returns the number of its users.

    Access ends at its time even before: `User.access_state_at` looks at the clock.
    """
    due = User.filter(access_state=AccessState.APPROVED, access_expires_at__lte=now)
    ids = [user.id for user in await due.only("id")]
    options = WriteOptions(now=now, google=True)
    count = 0
    for some in batches(ids):
        async with writing(AuditActor.NOBODY, options) as writer:
            users = await due.filter(id__in=some)
            await writer.write([ExpireAccess(user) for user in users])
            count += len(users)
    return count


def _clean_reason(reason: str | None) -> str:
    try:
        text: str = lines(REASON_LENGTH)((reason or "").strip())
    except BadUserInput as invalid:
        raise BadUserInput(*(error.below(("reason",)) for error in invalid.errors)) from None
    return text


def _all() -> QuerySet[AccessRequest]:
    return AccessRequest.all().select_related(*RELATED)
