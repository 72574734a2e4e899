"""What the audit log says about sign-ins and the ends of sessions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import anyio
from tortoise.expressions import Q
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from auth.passwords import Passwords, PasswordsBusy, Verification
from models import AuditActor, AuditKind, AuditOutcome, Session, SignInMethod, User, username_key
from models.database import hold
from models.sessions import ADDRESS_LENGTH, CLIENT_LENGTH
from models.users import KEY_LENGTH
from resolvers.actor import Actor, Client
from resolvers.audit import record
from resolvers.errors import (
    BadUserInput,
    Complaint,
    Forbidden,
    InvalidCredentials,
    NotFound,
    RateLimited,
    Unavailable,
)
from resolvers.rules import BLANK
from resolvers.services import Services
from resolvers.writes import found, turn


async def note_failure(
    client: Client,
    method: SignInMethod,
    account: User | None,
    outcome: AuditOutcome = AuditOutcome.REFUSED,
) -> None:
    """That nobody signed in. A name that nobody has is not noted: it may be a password."""
    state = "UNKNOWN" if account is None else "OPEN" if account.is_active else "CLOSED"
    by = Actor(client=client)
    await record(
        by, AuditKind.SIGN_IN, account, outcome=outcome, method=method.value, account=state
    )


async def note_throttled(
    client: Client, method: SignInMethod, limited: RateLimited, username: str | None = None
) -> None:
    """Only the first attempt that has to wait, so that attempts can't fill the log."""
    if limited.is_first:
        account = await User.by_username(username) if username else None
        await note_failure(client, method, account, AuditOutcome.THROTTLED)


async def note_end(actor: Actor, session: Session) -> None:
    """That the actor has ended a session or deleted a token, whose user has been loaded."""
    if session.is_token:
        await record(actor, AuditKind.TOKEN_DELETED, session.user, name=session.name)
    else:
        await record(actor, AuditKind.SESSION_ENDED, session.user, count=1)


async def note_ends(by: Actor | AuditActor, user: User, count: int) -> None:
    """That so many sessions and tokens of a user were ended at once; none is not noted."""
    if count:
        await record(by, AuditKind.SESSION_ENDED, user, count=count)


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
