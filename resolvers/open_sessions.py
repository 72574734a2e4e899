"""The sessions and personal access tokens of somebody, for the owner to see and to end."""

from __future__ import annotations

from uuid import UUID

from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from models import Session, SignInMethod, User
from resolvers.actor import Actor
from resolvers.errors import Forbidden, NotFound
from resolvers.session_ends import MOST_OPEN
from resolvers.session_events import note_end, note_ends


async def visible_to(actor: Actor) -> QuerySet[Session]:
    """Everybody's for administrators, else one's own."""
    every = Session.all().select_related("user")
    return every if await actor.is_admin() else every.filter(user_id=actor.user.id)


async def sessions_of(actor: Actor, owner: User) -> list[Session]:
    """The sign-ins, that were used last first. Raises Unauthenticated and Forbidden."""
    query = await _of(actor, owner)
    return await query.exclude(method=SignInMethod.TOKEN).order_by("-last_used_at").limit(MOST_OPEN)


async def tokens_of(actor: Actor, owner: User) -> list[Session]:
    """The personal access tokens, the newest first. Raises Unauthenticated and Forbidden."""
    query = await _of(actor, owner)
    return await query.filter(method=SignInMethod.TOKEN).order_by("-created_at")


async def end_session(actor: Actor, session_id: UUID) -> User:
    """Ends a session or deletes a token, and returns whose it was.

    Raises Unauthenticated, and NotFound for one that is not the actor's to end.
    """
    visible = await visible_to(actor)
    session = await visible.get_or_none(id=session_id)
    if session is None:
        raise NotFound
    async with in_transaction():
        if await Session.filter(id=session.id).delete():
            await note_end(actor, session)
    return session.user


async def end_other_sessions(actor: Actor) -> int:
    """Ends all sign-ins of the actor but the present one; returns how many. Tokens stay."""
    own = Session.filter(user_id=actor.user.id).exclude(method=SignInMethod.TOKEN)
    async with in_transaction():
        count = await own.exclude(id=actor.session_id).delete()
        await note_ends(actor, actor.user, count)
    return count


async def _of(actor: Actor, owner: User) -> QuerySet[Session]:
    if actor.user.id != owner.id and not await actor.is_admin():
        raise Forbidden
    return Session.filter(user_id=owner.id).select_related("user")
