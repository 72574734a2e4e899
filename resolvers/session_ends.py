"""Ends the sessions of somebody, also those that are being made at the same time."""

from __future__ import annotations

from uuid import UUID

from models import AuditActor, Session, SignInMethod, User
from models.turns import hold
from resolvers.actor import Actor
from resolvers.session_events import note_ends

MOST_OPEN = 100


async def hold_sessions(user_id: int) -> None:
    """Keeps others from making or ending sessions of the user until the transaction ends."""
    await hold(User.filter(id=user_id))


async def end_sessions(by: Actor | AuditActor, user: User, *, but: UUID | None = None) -> int:
    """Ends all sessions and personal access tokens but one, within a transaction of the caller;
    returns how many.
    """
    await hold_sessions(user.id)
    count = await Session.filter(user_id=user.id).exclude(id=but).delete()
    await note_ends(by, user, count)
    return count


async def end_surplus(by: Actor, user: User) -> None:
    """Leaves the present sign-in and those that were used last, so that nobody collects them
    without end. Within a transaction that keeps others from making sessions of the user.
    """
    others = Session.filter(user_id=user.id).exclude(id=by.session_id)
    sign_ins = others.exclude(method=SignInMethod.TOKEN).order_by("-last_used_at", "-created_at")
    left = MOST_OPEN - 1
    surplus = await sign_ins.offset(left).limit(MOST_OPEN).values_list("id", flat=True)
    if surplus:
        await note_ends(by, user, await Session.filter(id__in=surplus).delete())
