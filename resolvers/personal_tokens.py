"""Personal access tokens: for programs that act for somebody, within scopes and for some time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from tortoise.transactions import in_transaction

from models import AuditKind, Scope, Session, SignInMethod, User
from models.sessions import TOKEN_NAME_LENGTH
from resolvers.actor import Actor
from resolvers.audit import record
from resolvers.authentication import require_current
from resolvers.errors import BadUserInput, Complaint, Forbidden
from resolvers.rules import line_complaint
from resolvers.services import Services
from resolvers.sessions import hold_sessions

DEFAULT_LIFETIME = timedelta(days=30)
LONGEST_LIFETIME = timedelta(days=366)
FRESH = timedelta(minutes=15)
MOST = 50
STALE = "Sign in again first: a token is made within 15 minutes of a sign-in."


@dataclass(frozen=True, slots=True)
class NewToken:
    """What somebody wants; without `expires_at` it lasts for the default of 30 days."""

    name: str
    scopes: Sequence[Scope]
    expires_at: datetime | None = None


async def create_token(services: Services, actor: Actor, wanted: NewToken) -> tuple[Session, str]:
    """The row and the token itself, which is told only now.

    Whoever ends the sessions of the user at the same time ends the token as well, or it is not
    made. Raises Unauthenticated, BadUserInput with the field, and Forbidden long after the sign-in.
    """
    user, now = actor.user, services.clock()
    if actor.session is None or now - actor.session.created_at > FRESH:
        raise Forbidden(STALE)
    expires_at = wanted.expires_at or now + DEFAULT_LIFETIME
    complaints = [*_complaints(wanted, expires_at, now)]
    if complaints:
        raise BadUserInput(*complaints)
    token = services.personal_tokens.new()
    session = Session(
        id=uuid4(),
        user=user,
        method=SignInMethod.TOKEN,
        created_at=now,
        expires_at=expires_at,
        name=wanted.name.strip(),
        scopes=sorted({scope.value for scope in wanted.scopes}),
        token_hash=services.personal_tokens.hash(token),
    )
    async with in_transaction():
        await hold_sessions(user.id)
        await require_current(services, actor)
        if await _tokens_of(user) >= MOST:
            raise BadUserInput(Complaint(f"You have {MOST} tokens: delete one first."))
        await session.save(force_create=True)
        await record(actor, AuditKind.TOKEN_CREATED, user, name=session.name, scopes=session.scopes)
    return session, token


async def _tokens_of(user: User) -> int:
    return await Session.filter(user_id=user.id, method=SignInMethod.TOKEN).count()


def _complaints(wanted: NewToken, expires_at: datetime, now: datetime) -> Iterator[Complaint]:
    if complaint := line_complaint(wanted.name, TOKEN_NAME_LENGTH):
        yield Complaint(complaint, "name")
    if not wanted.scopes:
        yield Complaint("Give at least one scope.", "scopes")
    if not now < expires_at <= now + LONGEST_LIFETIME:
        yield Complaint(f"A token lasts for up to {LONGEST_LIFETIME.days} days.", "expiresAt")
