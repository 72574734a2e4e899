"""Requests for access: who may see them, and how to make one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tortoise.functions import Max
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from models import AccessRequest, AccessRequestState, AccessState, AuditKind, User
from models.access import REASON_LENGTH
from resolvers.actor import Actor
from resolvers.audit import record
from resolvers.errors import BadUserInput, Complaint, Forbidden, NotFound
from resolvers.notices import tell_administrators
from resolvers.services import Services
from resolvers.texts import BLANK, lines_complaint
from resolvers.withdrawal import hold, withdraw_expired

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
