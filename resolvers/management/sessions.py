"""What administrators do about the sign-ins of others."""

from __future__ import annotations

from models import AuditKind, User
from resolvers.actor import Actor
from resolvers.audit import record
from resolvers.errors import BadUserInput, Complaint
from resolvers.management.turns import turn
from resolvers.management.versions import found
from resolvers.passwords import hash_new
from resolvers.services import Services
from resolvers.session_ends import end_sessions

OWN = Complaint("Use changePassword for your own password.", "databaseId")


async def set_password(services: Services, actor: Actor, user_id: int, password: str) -> User:
    """Ends the user's sessions and personal access tokens.

    One's own needs the current one, as a stolen session is not to become an account. What was
    declared for the user is not the password any more: `apply` is to see that. Raises
    Unauthenticated, Forbidden, NotFound, BadUserInput, and Unavailable when too many passwords
    are being hashed.
    """
    await actor.require_admin()
    user = await found(User, user_id)
    if user.id == actor.user.id:
        raise BadUserInput(OWN)
    password_hash = await hash_new(services, password, user, field="password")
    async with turn():
        await User.filter(id=user.id).update(
            password_hash=password_hash, declared_password_hash=None
        )
        await record(actor, AuditKind.PASSWORD_SET, user)
        await end_sessions(actor, user)
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
        kept = None if including_current else actor.session_id
        count = await end_sessions(actor, user, but=kept)
    return user, count
