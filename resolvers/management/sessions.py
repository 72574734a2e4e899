"""What administrators do about the sign-ins of others."""

from __future__ import annotations

from models import AuditKind, Session, User
from resolvers.actor import Actor
from resolvers.audit import record
from resolvers.management.turns import turn
from resolvers.management.versions import found
from resolvers.passwords import hash_new
from resolvers.services import Services
from resolvers.session_events import note_ends


async def set_password(services: Services, actor: Actor, user_id: int, password: str) -> User:
    """Ends the user's sessions and personal access tokens, but not the actor's own session.

    What was declared for the user is not the password any more: `apply` is to see that. Raises
    Unauthenticated, Forbidden, NotFound, BadUserInput, and Unavailable when too many passwords
    are being hashed.
    """
    await actor.require_admin()
    user = await found(User, user_id)
    password_hash = await hash_new(services, password, user, field="password")
    async with turn():
        await User.filter(id=user.id).update(
            password_hash=password_hash, declared_password_hash=None
        )
        await record(actor, AuditKind.PASSWORD_SET, user)
        await _end_sessions(actor, user, including_current=False)
        return await found(User, user.id)


async def reset_sessions(
    actor: Actor, user_id: int, *, including_current: bool
) -> tuple[User, int]:
    """Ends the user's sessions and personal access tokens; also tells how many.

    Raises Unauthenticated, Forbidden, NotFound.
    """
    await actor.require_admin()
    async with turn():
        user = await found(User, user_id)
        count = await _end_sessions(actor, user, including_current=including_current)
    return user, count


async def _end_sessions(actor: Actor, user: User, *, including_current: bool) -> int:
    sessions = Session.filter(user_id=user.id)
    if actor.session and not including_current:
        sessions = sessions.exclude(id=actor.session.id)
    count = await sessions.delete()
    await note_ends(actor, user, count)
    return count
