"""The end of access: by an administrator, by its time, or by the operator's declaration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise.expressions import Subquery
from tortoise.transactions import in_transaction

from models import (
    AccessRequest,
    AccessRequestState,
    AccessState,
    AuditActor,
    AuditKind,
    User,
    turns,
)
from resolvers.actor import Actor
from resolvers.audit import record

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
    return await turns.hold(User.filter(id=user_id, access_state__in=states, **conditions))


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
