from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import anyio
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from auth.passwords import Passwords, PasswordsBusy, Verification
from models import AuditKind, Session, SignInMethod, User, username_key
from models.sessions import ADDRESS_LENGTH, CLIENT_LENGTH
from models.users import KEY_LENGTH
from resolvers.actor import Actor, Client
from resolvers.audit import record
from resolvers.errors import (
    BadUserInput,
    Complaint,
    InvalidCredentials,
    RateLimited,
    Unavailable,
)
from resolvers.services import Services
from resolvers.session_ends import end_surplus
from resolvers.session_events import note_end, note_failure, note_throttled
from resolvers.texts import BLANK

ATTEMPTS = 3
# How long it takes to be told to wait, and how long a password that may be looked at even so waits
# for its turn: together with the longest turn, that is less
SLOWED_SECONDS = 1.5
PATIENCE = 0.5
BUSY = "Too many passwords are being checked at once; try again."


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new session and the access token that names it."""

    session: Session
    access_token: str


async def login(services: Services, client: Client, username: str, password: str) -> SignIn:
    """Raises BadUserInput for a missing value, InvalidCredentials for a wrong one, RateLimited
    after too many of them, and Unavailable when too many people sign in at once.
    """
    require(username=username, password=password)
    due = anyio.current_time() + SLOWED_SECONDS
    try:
        return await _attempt(services, client, username, password)
    except RateLimited:
        # whether or not a password was looked at
        await anyio.sleep_until(due)
        raise


async def _attempt(services: Services, client: Client, username: str, password: str) -> SignIn:
    try:
        attempt = await services.throttle.sign_in(username, client.address)
    except RateLimited as limited:
        await note_throttled(client, SignInMethod.PASSWORD, limited, username)
        raise
    patience = PATIENCE if attempt.refusal else None
    try:
        sign_in = await _login(services, client, username, password, patience)
    except InvalidCredentials as failure:
        raise attempt.refusal or failure from None
    except Unavailable as failure:
        await attempt.withdraw()
        raise attempt.refusal or failure from None
    await attempt.succeeded()
    return sign_in


def require(**values: str) -> None:
    """Raises BadUserInput for each field that is empty."""
    missing = [Complaint(BLANK, field) for field, value in values.items() if not value]
    if missing:
        raise BadUserInput(*missing)


async def _login(
    services: Services, client: Client, username: str, password: str, patience: float | None
) -> SignIn:
    """Once more where the hash was replaced meanwhile: by another sign-in, or a new password."""
    method = SignInMethod.PASSWORD
    for _ in range(ATTEMPTS):
        user = await User.by_username(username)
        # a closed account is compared with nothing, so that it can't be told from a missing one
        stored = user.password_hash if user and user.is_active else None
        verification = await _compared(services, username, password, stored, patience)
        if user is None or not verification.ok:
            await note_failure(client, method, user)
            raise InvalidCredentials
        async with in_transaction():
            unchanged = User.filter(id=user.id, password_hash=stored, is_active=True)
            new = verification.replacement
            columns = user.upgraded_to(new) if new else {"password_hash": stored}
            if await unchanged.update(**columns):
                return await open_session(services, client, user, method)
    raise Unavailable("This account is being changed; try again.")


async def _compared(
    services: Services, username: str, password: str, stored: str | None, patience: float | None
) -> Verification:
    """Who has little patience is not seen waiting, and needs no single file."""
    if patience is not None or not await services.old_hashes.exist():
        return await verify(services.passwords, password, stored, patience)
    account = username_key(username[: KEY_LENGTH + 1])
    with _room():
        return await services.passwords.verify_in_single_file(account, password, stored)


async def verify(
    passwords: Passwords, password: str, stored: str | None, patience: float | None = None
) -> Verification:
    """Raises Unavailable instead of PasswordsBusy."""
    with _room():
        return await passwords.verify(password, stored, patience)


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except PasswordsBusy:
        raise Unavailable(BUSY) from None


async def open_session(
    services: Services, client: Client, user: User, method: SignInMethod
) -> SignIn:
    """Within a transaction of the caller."""
    now = services.clock()
    session = await Session.create(
        id=uuid4(),
        user=user,
        method=method,
        address=client.address[:ADDRESS_LENGTH],
        client=client.name[:CLIENT_LENGTH],
        created_at=now,
        last_used_at=now,
        expires_at=now + services.session_lifetime,
    )
    user.last_login_at = now
    await user.save(update_fields=["last_login_at"])
    actor = Actor(session, client=client)
    await record(actor, AuditKind.SIGN_IN, user, method=method.value)
    await end_surplus(actor, user)
    token = services.access_tokens.issue(
        session_id=session.id, user_id=user.id, expires_at=session.expires_at
    )
    return SignIn(session, token)


async def forget_ended(now: datetime, idle_lifetime: timedelta) -> int:
    """Deletes the sessions and tokens that have ended by themselves; returns how many."""
    unused = Q(last_used_at__lte=now - idle_lifetime) & ~Q(method=SignInMethod.TOKEN)
    return await Session.filter(Q(expires_at__lte=now) | unused).delete()


async def logout(actor: Actor) -> None:
    """Ends the actor's session, if there is one."""
    session = actor.session
    if session is None:
        return
    async with in_transaction():
        if await Session.filter(id=session.id).delete():
            await note_end(actor, session)
