"""Changing one's own password."""

from __future__ import annotations

from tortoise.transactions import in_transaction

from auth.passwords import PasswordsBusy, UnusablePassword
from models import AuditKind, AuditOutcome, User
from resolvers.actor import Actor
from resolvers.audit import record
from resolvers.errors import BadUserInput, Complaint, Conflict, RateLimited, Unavailable
from resolvers.services import Services
from resolvers.sessions import BUSY, end_sessions, require, verify
from resolvers.writes import found, turn

OWN = Complaint("Use changePassword for your own password.", "databaseId")


async def change_password(services: Services, actor: Actor, current: str, new: str) -> User:
    """Ends all other sessions of the actor, and the personal access tokens: somebody else may have
    made them.

    Raises Unauthenticated; BadUserInput with the field; RateLimited after too many wrong current
    passwords; Unavailable when too many are being hashed; Conflict when it was changed meanwhile.
    """
    user = actor.user
    require(currentPassword=current, newPassword=new)
    try:
        attempt = await services.throttle.change_password(user.id)
    except RateLimited as limited:
        if limited.is_first:
            await _note_failure(actor, AuditOutcome.THROTTLED)
        raise
    try:
        verification = await verify(services.passwords, current, user.password_hash)
    except Unavailable:
        await attempt.withdraw()
        raise
    if not verification.ok:
        await _note_failure(actor, AuditOutcome.REFUSED)
        raise BadUserInput(Complaint("This is not your current password.", "currentPassword"))
    await attempt.succeeded()
    await _replace(actor, await hash_new(services, new, user))
    return user


async def hash_new(services: Services, new: str, user: User, field: str = "newPassword") -> str:
    """Raises BadUserInput about the field, and Unavailable."""
    owner = (user.username, user.first_name, user.last_name, *user.all_emails)
    try:
        return await services.passwords.hash(new, owner)
    except UnusablePassword as error:
        raise BadUserInput(Complaint(str(error), field)) from None
    except PasswordsBusy:
        raise Unavailable(BUSY) from None


async def _replace(actor: Actor, password_hash: str) -> None:
    """What was declared for the user is not the password any more: `apply` is to see that."""
    user = actor.user
    async with in_transaction():
        unchanged = User.filter(id=user.id, password_hash=user.password_hash)
        values = {"password_hash": password_hash, "declared_password_hash": None}
        if not await unchanged.update(**values):
            raise Conflict("The password was changed at the same time; sign in again.")
        await record(actor, AuditKind.PASSWORD_CHANGED, user)
        await end_sessions(actor, user, but=actor.session_id)


async def _note_failure(actor: Actor, outcome: AuditOutcome) -> None:
    """The current password was wrong, or was not looked at any more."""
    await record(actor, AuditKind.PASSWORD_CHANGED, actor.user, outcome=outcome)


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
