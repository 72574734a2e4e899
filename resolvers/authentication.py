"""Who is asking, from the bearer token that came along."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from tortoise.exceptions import OperationalError
from tortoise.queryset import QuerySet

from auth.tokens import InvalidAccessToken
from models import Session
from models.sessions import ADDRESS_LENGTH, CLIENT_LENGTH
from resolvers.actor import Actor, Client
from resolvers.errors import CredentialsProblem, Unauthenticated
from resolvers.services import Services

logger = logging.getLogger(__name__)

LAST_USED_RESOLUTION = timedelta(minutes=1)


async def authenticate(services: Services, bearer: str | None, client: Client) -> Actor:
    """Never raises for a bad token: its bearer is anonymous, and the actor's problem says why."""
    if bearer is None:
        return Actor(client=client)
    session = await _presented(services, bearer)
    problem = _problem(services, session)
    if session is None or problem:
        return Actor(problem=problem, client=client)
    await _note_use(services, session, bearer, client)
    return Actor(session, client=client)


async def require_current(services: Services, actor: Actor) -> None:
    """Raises Unauthenticated when the actor's session has ended or the account was closed."""
    if actor.session is None:
        raise Unauthenticated(actor.problem)
    session = await _with_user(Session.filter(id=actor.session.id))
    problem = _problem(services, session)
    if problem:
        raise Unauthenticated(problem)


async def _presented(services: Services, bearer: str) -> Session | None:
    if services.personal_tokens.recognises(bearer):
        hashes = services.personal_tokens.hashes(bearer)
        return await _with_user(Session.filter(token_hash__in=hashes))
    try:
        session_id = services.access_tokens.verify(bearer)
    except InvalidAccessToken:
        return None
    return await _with_user(Session.filter(id=session_id))


async def _with_user(query: QuerySet[Session]) -> Session | None:
    return await query.select_related("user").first()


def _problem(services: Services, session: Session | None) -> CredentialsProblem | None:
    now = services.clock()
    if session is None or session.expires_at <= now or _is_idle(services, session, now):
        return CredentialsProblem.TOKEN_NOT_VALID
    return None if session.user.is_active else CredentialsProblem.USER_INACTIVE


def _is_idle(services: Services, session: Session, now: datetime) -> bool:
    last_used_at = session.last_used_at or session.created_at
    return not session.is_token and last_used_at + services.session_idle_lifetime <= now


async def _note_use(services: Services, session: Session, bearer: str, client: Client) -> None:
    """A database that can't write now is no reason to turn the caller away."""
    now = services.clock()
    if session.last_used_at and now - session.last_used_at <= LAST_USED_RESOLUTION:
        return
    noted: dict[str, object] = {"last_used_at": now}
    if session.is_token:
        noted["address"] = client.address[:ADDRESS_LENGTH]
        noted["client"] = client.name[:CLIENT_LENGTH]
        noted["token_hash"] = services.personal_tokens.hash(bearer)
    try:
        await Session.filter(id=session.id).update(**noted)
    except OperationalError:
        logger.warning("The use of session %s was not noted", session.id, exc_info=True)
