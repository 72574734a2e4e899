"""Sessions: sign-ins and personal access tokens, from the bearer token to their end."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from tortoise.exceptions import OperationalError
from tortoise.expressions import Q
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from auth.tokens import InvalidAccessToken
from models import AuditActor, AuditKind, Scope, ServiceAccount, Session, SignInMethod, User
from models.database import lock_rows
from models.sessions import ADDRESS_LENGTH, CLIENT_LENGTH, TOKEN_NAME_LENGTH
from models.statements import Statement
from resolvers.actor import Actor, Client
from resolvers.administrators import ADMINISTRATORS
from resolvers.audit import record
from resolvers.changes import EndSessions
from resolvers.errors import (
    BadUserInput,
    CredentialsProblem,
    FieldError,
    Forbidden,
    NotFound,
    Unauthenticated,
)
from resolvers.pages import find
from resolvers.rules import collecting_errors, line
from resolvers.services import Services
from resolvers.writes import commit

logger = logging.getLogger(__name__)

LAST_USED_RESOLUTION = timedelta(minutes=1)
MAXIMUM_SIGN_INS = 100
MAXIMUM_TOKENS = 50
DEFAULT_TOKEN_LIFETIME = timedelta(days=30)
MAXIMUM_TOKEN_LIFETIME = timedelta(days=366)
RECENT_SIGN_IN = timedelta(minutes=15)


# Everything about the caller of a request
CALLER = f"""
    SELECT s.*, users.*, a.*, users.id IN {ADMINISTRATORS}
      FROM sessions s JOIN users ON users.id = s.user_id
      LEFT JOIN service_accounts a ON a.id = users.service_account_id
     WHERE """
TABLES = {"s": Session, "users": User, "a": ServiceAccount}
BY_ID = Statement(f"{CALLER} s.id = :id", **TABLES)
BY_HASH = Statement(f"{CALLER} s.token_hash IN :hashes", **TABLES)


async def authenticate(services: Services, bearer: str | None, client: Client) -> Actor:
    """The actor of a request. With a bad token it is anonymous, and its `problem` says why."""
    if bearer is None:
        return Actor(client=client)
    actor = await _bearer(services, bearer, client)
    problem = _problem(services, actor.session)
    if actor.session is None or problem:
        return Actor(problem=problem, client=client)
    await _update_last_use(services, actor.session, bearer, client)
    return actor


async def require_current(services: Services, actor: Actor) -> None:
    """Raises Unauthenticated when the actor's session has ended or the account was closed."""
    if actor.session is None:
        raise Unauthenticated(actor.problem)
    current = await actor_of(actor.session.id, actor.client)
    if problem := _problem(services, current.session):
        raise Unauthenticated(problem)


async def actor_of(session_id: UUID, client: Client) -> Actor:
    """The user of the session; anonymous if there is no such session."""
    return _actor(await BY_ID.row(id=str(session_id)), client)


async def _bearer(services: Services, bearer: str, client: Client) -> Actor:
    if services.personal_tokens.recognises(bearer):
        hashes = services.personal_tokens.hashes(bearer)
        return _actor(await BY_HASH.row(hashes=hashes), client)
    try:
        session_id = services.access_tokens.verify(bearer)
    except InvalidAccessToken:
        return Actor(client=client)
    return await actor_of(session_id, client)


def _actor(row: tuple[Any, ...] | None, client: Client) -> Actor:
    if row is None:
        return Actor(client=client)
    session, user, account, administrates = row
    session.user = user
    return Actor(session, None, client, bool(administrates), account)


def _problem(services: Services, session: Session | None) -> CredentialsProblem | None:
    now = services.clock()
    if session is None or session.expires_at <= now:
        return CredentialsProblem.TOKEN_NOT_VALID
    last_used_at = session.last_used_at or session.created_at
    if not session.is_token and last_used_at + services.session_idle_lifetime <= now:
        return CredentialsProblem.TOKEN_NOT_VALID
    return None if session.user.is_active else CredentialsProblem.USER_INACTIVE


async def _update_last_use(
    services: Services, session: Session, bearer: str, client: Client
) -> None:
    now = services.clock()
    if session.last_used_at and now - session.last_used_at <= LAST_USED_RESOLUTION:
        return
    columns: dict[str, object] = {"last_used_at": now}
    if session.is_token:
        columns["address"] = client.address[:ADDRESS_LENGTH]
        columns["client"] = client.name[:CLIENT_LENGTH]
        # From now on under the first signing key, so that the old ones can be removed
        columns["token_hash"] = services.personal_tokens.hash(bearer)
    try:
        await Session.filter(id=session.id).update(**columns)
    except OperationalError:  # a database that is busy or read-only still answers requests
        logger.warning("The last use of session %s was not stored", session.id, exc_info=True)


def visible_to(actor: Actor | AuditActor) -> QuerySet[Session]:
    """All sessions for administrators and the operator, else those of the actor."""
    sessions = Session.all().select_related("user")
    if isinstance(actor, AuditActor) or actor.is_admin:
        return sessions
    return sessions.filter(user_id=actor.user.id)


async def sessions_of(actor: Actor, owner: User) -> list[Session]:
    """The sign-ins, the last used first. Raises Unauthenticated and Forbidden."""
    sign_ins = _owned_by(actor, owner).exclude(method=SignInMethod.TOKEN)
    return await sign_ins.order_by("-last_used_at").limit(MAXIMUM_SIGN_INS)


async def tokens_of(actor: Actor, owner: User) -> list[Session]:
    """The personal access tokens, the newest first. Raises Unauthenticated and Forbidden."""
    tokens = _owned_by(actor, owner).filter(method=SignInMethod.TOKEN)
    return await tokens.order_by("-created_at")


def _owned_by(actor: Actor, owner: User) -> QuerySet[Session]:
    if actor.user.id != owner.id and not actor.is_admin:
        raise Forbidden
    return Session.filter(user_id=owner.id).select_related("user")


async def logout(actor: Actor) -> None:
    """End the session of the actor, if there is one."""
    if actor.session is not None:
        await _end(actor, actor.session)


async def end_session(actor: Actor | AuditActor, session_id: UUID) -> None:
    """End a sign-in or delete a personal access token.

    Raises Unauthenticated, and NotFound for one that the actor can't see.
    """
    session = await visible_to(actor).get_or_none(id=session_id)
    if session is None:
        raise NotFound
    await _end(actor, session)


async def _end(actor: Actor | AuditActor, session: Session) -> None:
    async with in_transaction():
        if not await Session.filter(id=session.id).delete():
            return
        if session.is_token:
            await record(actor, AuditKind.TOKEN_DELETED, session.user, name=session.name)
        else:
            await record(actor, AuditKind.SESSION_ENDED, session.user, count=1)


async def end_other_sessions(actor: Actor) -> int:
    """End all sign-ins of the actor but the current one; returns how many. Tokens stay."""
    sign_ins = Session.filter(user_id=actor.user.id).exclude(method=SignInMethod.TOKEN)
    async with in_transaction():
        return await _end_all(actor, actor.user, sign_ins.exclude(id=actor.session_id))


async def reset_sessions(
    services: Services, actor: Actor, user_id: int, *, including_current: bool
) -> tuple[User, int]:
    """End the sessions and tokens of a user; returns their number as well. Raises NotFound."""
    user = await find(User, user_id)
    kept = None if including_current else actor.session_id
    writer = await commit(actor, [EndSessions(user, kept)], services.write_options())
    return user, writer.ended_sessions[user.id]


async def end_oldest_sign_ins(by: Actor, user: User) -> None:
    """Keep room for one more of the user's MAXIMUM_SIGN_INS, in a transaction of the caller."""
    sign_ins = Session.filter(user_id=user.id).exclude(method=SignInMethod.TOKEN)
    by_last_use = sign_ins.order_by("-last_used_at", "-created_at").offset(MAXIMUM_SIGN_INS - 1)
    # SQLite has no OFFSET without a LIMIT
    oldest = await by_last_use.limit(MAXIMUM_SIGN_INS).values_list("id", flat=True)
    if oldest:
        await _end_all(by, user, Session.filter(id__in=oldest))


async def _end_all(by: Actor | AuditActor, user: User, sessions: QuerySet[Session]) -> int:
    count = await sessions.delete()
    if count:
        await record(by, AuditKind.SESSION_ENDED, user, count=count)
    return count


async def _lock_sessions(user_id: int) -> None:
    """Sessions of the user are opened, and ended all at once, one transaction after the other."""
    await lock_rows(User.filter(id=user_id))


async def prune_sessions(now: datetime, idle_lifetime: timedelta) -> int:
    """Delete the sessions and tokens that have expired; returns how many."""
    idle = Q(last_used_at__lte=now - idle_lifetime) & ~Q(method=SignInMethod.TOKEN)
    return await Session.filter(Q(expires_at__lte=now) | idle).delete()


@dataclass(frozen=True, slots=True)
class NewToken:
    """A personal access token to create; it expires after 30 days by default."""

    name: str
    scopes: Sequence[Scope]
    expires_at: datetime | None = None


async def create_token(services: Services, actor: Actor, new: NewToken) -> tuple[Session, str]:
    """Create a personal access token; returns the row and the token, which is not stored.

    Raises Unauthenticated, BadUserInput with the field, and Forbidden long after the sign-in.
    """
    user, now = actor.user, services.clock()
    if actor.session is None or now - actor.session.created_at > RECENT_SIGN_IN:
        raise Forbidden("Sign in again: a token is created within 15 minutes of a sign-in.")
    expires_at = new.expires_at or now + DEFAULT_TOKEN_LIFETIME
    if errors := [*_token_errors(new, expires_at, now)]:
        raise BadUserInput(*errors)
    token = services.personal_tokens.new()
    session = Session(
        id=uuid4(),
        user=user,
        method=SignInMethod.TOKEN,
        created_at=now,
        expires_at=expires_at,
        name=new.name.strip(),
        scopes=sorted({scope.value for scope in new.scopes}),
        token_hash=services.personal_tokens.hash(token),
    )
    async with in_transaction():
        # What ends the sessions of the user at the same time ends the token, or it is not created
        await _lock_sessions(user.id)
        await require_current(services, actor)
        tokens = Session.filter(user_id=user.id, method=SignInMethod.TOKEN)
        if await tokens.count() >= MAXIMUM_TOKENS:
            raise BadUserInput(FieldError(f"You have {MAXIMUM_TOKENS} tokens: delete one first."))
        await session.save(force_create=True)
        await record(actor, AuditKind.TOKEN_CREATED, user, name=session.name, scopes=session.scopes)
    return session, token


def _token_errors(new: NewToken, expires_at: datetime, now: datetime) -> Iterator[FieldError]:
    with collecting_errors() as errors:
        line(TOKEN_NAME_LENGTH)(new.name)
    yield from (error.below(("name",)) for error in errors)
    if not new.scopes:
        yield FieldError("Give at least one scope.", ("scopes",))
    if not now < expires_at <= now + MAXIMUM_TOKEN_LIFETIME:
        days = MAXIMUM_TOKEN_LIFETIME.days
        yield FieldError(f"A token lasts for up to {days} days.", ("expires_at",))
