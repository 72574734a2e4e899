"""Verifying, changing and setting passwords."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from auth.passwords import Passwords, PasswordsBusy, UnusablePassword, Verification
from models import AuditKind, AuditOutcome, User
from resolvers.actor import Actor
from resolvers.audit import record
from resolvers.changes import SetPassword
from resolvers.errors import BadUserInput, FieldError, RateLimited, Unavailable
from resolvers.pages import find
from resolvers.rate_limits import Budget, Limit
from resolvers.rules import BLANK
from resolvers.services import Services
from resolvers.writes import commit

# Apart from the limits of sign-ins: failures elsewhere don't keep a user from a new password
PASSWORD_CHANGE = Limit("password-change", 10, timedelta(minutes=15))


async def change_password(services: Services, actor: Actor, current: str, new: str) -> User:
    """Replace the actor's password, and end the actor's other sessions and tokens.

    Raises Unauthenticated; BadUserInput with the field; RateLimited after too many wrong current
    passwords; Unavailable when too many are being hashed; Conflict when it was changed meanwhile.
    """
    user = actor.user
    require_values(current_password=current, new_password=new)
    try:
        async with services.rate_limits.attempt(Budget(PASSWORD_CHANGE, str(user.id))):
            if not (await verify(services, current, user.password_hash)).ok:
                await _record_failure(actor, AuditOutcome.REFUSED)
                raise BadUserInput(
                    FieldError("This is not your current password.", ("current_password",))
                )
    except RateLimited as limited:
        if limited.is_first:
            await _record_failure(actor, AuditOutcome.THROTTLED)
        raise
    change = SetPassword(
        user,
        await hash_new(services.passwords, new, user),
        keep_session=actor.session_id,
        verified_hash=user.password_hash,
        kind=AuditKind.PASSWORD_CHANGED,
    )
    await commit(actor, [change], services.write_options())
    return user


async def set_password(services: Services, actor: Actor, user_id: int, password: str) -> User:
    """Set the password of another user, and end the user's sessions and tokens.

    One's own takes `change_password`, so that a stolen session does not become an account. Raises
    NotFound, BadUserInput, and Unavailable when too many passwords are being hashed.
    """
    user = await find(User, user_id)
    if user.id == actor.user.id:
        raise BadUserInput(
            FieldError("Use changePassword for your own password.", ("database_id",))
        )
    password_hash = await hash_new(services.passwords, password, user, field="password")
    await commit(actor, [SetPassword(user, password_hash)], services.write_options())
    return user


async def hash_new(passwords: Passwords, new: str, user: User, field: str = "new_password") -> str:
    """The hash of a new password. Raises BadUserInput about the field, and Unavailable."""
    names = (user.username, user.first_name, user.last_name, *user.all_emails)
    with _busy_as_unavailable():
        try:
            return await passwords.hash(new, names)
        except UnusablePassword as error:
            raise BadUserInput(FieldError(str(error), (field,))) from None


async def verify(services: Services, password: str, stored: str | None) -> Verification:
    """Raises Unavailable."""
    with _busy_as_unavailable():
        return await services.passwords.verify(password, stored)


@contextmanager
def _busy_as_unavailable() -> Iterator[None]:
    try:
        yield
    except PasswordsBusy:
        raise Unavailable("Too many passwords are being checked at once; try again.") from None


def require_values(**values: str) -> None:
    """Raises BadUserInput for each field that is empty."""
    if errors := [FieldError(BLANK, (field,)) for field, value in values.items() if not value]:
        raise BadUserInput(*errors)


async def _record_failure(actor: Actor, outcome: AuditOutcome) -> None:
    await record(actor, AuditKind.PASSWORD_CHANGED, actor.user, outcome=outcome)
