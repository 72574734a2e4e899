"""The end of access: by an administrator, by its time, or by the operator's declaration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise.expressions import Subquery
from tortoise.functions import Max
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from models import (
    AccessRequest,
    AccessRequestState,
    AccessState,
    AuditActor,
    AuditKind,
    User,
    database,
)
from models.access import REASON_LENGTH
from resolvers.actor import Actor
from resolvers.audit import record
from resolvers.errors import BadUserInput, Complaint, Conflict, Forbidden, NotFound
from resolvers.mail import tell_administrators, tell_user
from resolvers.rules import BLANK, lines_complaint
from resolvers.services import Services
from resolvers.users import any_user

LIVING = (AccessRequestState.OPEN, AccessRequestState.APPROVED)
DECLARED = "Declared by the operator."


@dataclass(frozen=True, slots=True)
class End:
    """How access ends; without a person it ends by itself."""

    state: AccessRequestState
    at: datetime
    by: Actor | None = None
    reason: str = ""


async def hold(user_id: int, *states: AccessState, **conditions: Any) -> bool:
    """Keeps others from changing a user until the transaction ends; False in another state.

    Everything that changes somebody's access begins with it, so that of several at once one
    wins.
    """
    return await database.hold(User.filter(id=user_id, access_state__in=states, **conditions))


async def withdraw(user_id: int, end: End, **conditions: Any) -> int | None:
    """Takes the account away and notes why, in the request of the returned id.

    None for a user without access.
    """
    async with in_transaction():
        if not await hold(user_id, AccessState.APPROVED, **conditions):
            return None
        await User.filter(id=user_id).update(
            access_state=AccessState.NEW, service_account_id=None, access_expires_at=None
        )
        living = AccessRequest.filter(user_id=user_id, state__in=LIVING)
        request = await living.order_by("-id").first() or await AccessRequest.create(
            user_id=user_id, created_at=end.at
        )
        await living.update(
            state=end.state,
            ended_at=end.at,
            ended_by_id=end.by.user.id if end.by else None,
            end_reason=end.reason,
        )
        await record(
            end.by or AuditActor.NOBODY,
            AuditKind(f"ACCESS_{end.state.value}"),
            await User.get(id=user_id),
            request=request.id,
        )
    return request.id


async def withdraw_expired(user_id: int, now: datetime) -> bool:
    """False when the time of the user's access is not up."""
    end = End(AccessRequestState.EXPIRED, at=now)
    return await withdraw(user_id, end, access_expires_at__lte=now) is not None


async def sweep(now: datetime) -> int:
    """Notes what has ended by itself; any number of replicas may do so at once.

    Returns how many users have lost their access by it.
    """
    due = User.filter(access_state=AccessState.APPROVED, access_expires_at__lte=now)
    withdrawn = [await withdraw_expired(user.id, now) for user in await due.only("id")]
    await _follow_declarations(now)
    return sum(withdrawn)


async def _follow_declarations(now: datetime) -> None:
    """A declaration gives and takes access without a word about requests."""
    approved = Subquery(User.filter(access_state=AccessState.APPROVED).values("id"))
    await AccessRequest.filter(state=AccessRequestState.OPEN, user_id__in=approved).update(
        state=AccessRequestState.APPROVED, decided_at=now, decision_reason=DECLARED
    )
    others = Subquery(User.exclude(access_state=AccessState.APPROVED).values("id"))
    await AccessRequest.filter(state=AccessRequestState.APPROVED, user_id__in=others).update(
        state=AccessRequestState.REVOKED, ended_at=now, end_reason=DECLARED
    )


PEOPLE_AND_ACCOUNT = ("user", "decided_by", "ended_by", "service_account")


async def visible_to(actor: Actor) -> QuerySet[AccessRequest]:
    """Every request for administrators, else one's own."""
    return _all() if await actor.is_admin() else _all().filter(user_id=actor.user.id)


async def access_request(actor: Actor, request_id: int) -> AccessRequest:
    """One's own, for administrators any. Raises Forbidden, or NotFound for a missing one."""
    found = await (await visible_to(actor)).get_or_none(id=request_id)
    if found is not None:
        return found
    if await AccessRequest.exists(id=request_id):
        raise Forbidden
    raise NotFound


async def search(actor: Actor, state: AccessRequestState | None) -> QuerySet[AccessRequest]:
    """For administrators: all of them, or those in the state."""
    await actor.require_admin()
    return _all().filter(state=state) if state else _all()


async def latest_visible(actor: Actor, user_ids: Sequence[int]) -> list[AccessRequest | None]:
    """The newest request of each user, None where there is none that the actor may see."""
    visible = await visible_to(actor)
    newest = AccessRequest.filter(user_id__in=user_ids).annotate(newest=Max("id"))
    ids = await newest.group_by("user_id").values_list("newest", flat=True)
    found = {request.user_id: request for request in await visible.filter(id__in=ids)}
    return [found.get(user_id) for user_id in user_ids]


async def decided(request_id: int) -> AccessRequest:
    """A request as it is now, for those who have decided about it."""
    return await _all().get(id=request_id)


async def latest_of(user_id: int) -> AccessRequest | None:
    return await _all().filter(user_id=user_id).order_by("-id").first()


async def request_access(services: Services, actor: Actor, reason: str) -> AccessRequest:
    """Asks, or asks again in other words while the request is open; mails when it is new.

    Raises Unauthenticated, and BadUserInput for a bad reason or somebody who has access.
    """
    user, now = actor.user, services.clock()
    text = reason.strip()
    if complaint := reason_complaint(text) if text else BLANK:
        raise BadUserInput(Complaint(complaint, "reason"))
    await withdraw_expired(user.id, now)
    async with in_transaction():
        if not await hold(user.id, AccessState.NEW, AccessState.REQUESTED, AccessState.REJECTED):
            raise BadUserInput(Complaint("You have access already."))
        await User.filter(id=user.id).update(access_state=AccessState.REQUESTED)
        request, is_new = await open_request(user.id, now, text)
        if is_new:
            await record(actor, AuditKind.ACCESS_REQUESTED, user, request=request.id)
    asked = await _all().get(id=request.id)
    if is_new:
        await tell_administrators(services, asked)
    return asked


async def waiting_request(user_id: int, now: datetime) -> AccessRequest | None:
    """The open request of a user who waits for a decision; None for any other user."""
    async with in_transaction():
        if not await hold(user_id, AccessState.REQUESTED):
            return None
        request, _ = await open_request(user_id, now)
    return request


def reason_complaint(text: str) -> str | None:
    return lines_complaint(text, REASON_LENGTH)


async def open_request(
    user_id: int, now: datetime, reason: str | None = None
) -> tuple[AccessRequest, bool]:
    """The only one of a user, made where there is none, and whether it was made.

    The caller holds the user's row.
    """
    request = await AccessRequest.get_or_none(user_id=user_id, state=AccessRequestState.OPEN)
    if request is None:
        made = await AccessRequest.create(user_id=user_id, reason=reason or "", created_at=now)
        return made, True
    if reason is not None:
        request.reason = reason
        await request.save(update_fields=["reason"])
    return request, False


def _all() -> QuerySet[AccessRequest]:
    return AccessRequest.all().select_related(*PEOPLE_AND_ACCOUNT)


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
