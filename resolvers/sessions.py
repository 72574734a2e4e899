from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from auth.tokens import InvalidAccessToken
from models import Session, SignInMethod, User
from resolvers.actor import Actor, Client
from resolvers.errors import (
    BadUserInput,
    Complaint,
    CredentialsProblem,
    InvalidCredentials,
    Unauthenticated,
)
from resolvers.services import Services

LAST_USED_RESOLUTION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new session and the access token that names it."""

    session: Session
    access_token: str


async def authenticate(services: Services, access_token: str | None, client: Client) -> Actor:
    """Who is asking, from the access token that came along; never raises for a bad one."""
    if access_token is None:
        return Actor(client=client)
    try:
        session_id = services.access_tokens.verify(access_token)
    except InvalidAccessToken:
        return Actor(problem=CredentialsProblem.TOKEN_NOT_VALID, client=client)
    session = await _session(session_id)
    now = services.clock()
    problem = _problem(session, now)
    if session is None or problem:
        return Actor(problem=problem, client=client)
    if now - session.last_used_at > LAST_USED_RESOLUTION:
        await Session.filter(id=session.id).update(last_used_at=now)
    return Actor(session, client=client)


async def require_current(services: Services, actor: Actor) -> None:
    """Raises Unauthenticated when the actor's session has ended or the account was closed."""
    if actor.session is None:
        raise Unauthenticated(actor.problem)
    problem = _problem(await _session(actor.session.id), services.clock())
    if problem:
        raise Unauthenticated(problem)


async def _session(session_id: UUID) -> Session | None:
    return await Session.filter(id=session_id).select_related("user").first()


def _problem(session: Session | None, now: datetime) -> CredentialsProblem | None:
    if session is None or session.expires_at <= now:
        return CredentialsProblem.TOKEN_NOT_VALID
    return None if session.user.is_active else CredentialsProblem.USER_INACTIVE


async def login(services: Services, client: Client, username: str, password: str) -> SignIn:
    """Raises BadUserInput for a missing value and InvalidCredentials for a wrong one."""
    missing = [
        Complaint("This field may not be blank.", field)
        for field, value in (("username", username), ("password", password))
        if not value
    ]
    if missing:
        raise BadUserInput(*missing)
    user = await User.by_username(username)
    verification = await services.passwords.verify(password, user.password_hash if user else None)
    if user is None or not verification.ok or not user.is_active:
        raise InvalidCredentials
    if verification.replacement:
        # only where it still is the hash that was verified: it may just have been changed
        unchanged = User.filter(id=user.id, password_hash=user.password_hash)
        await unchanged.update(password_hash=verification.replacement)
    return await open_session(services, client, user, SignInMethod.PASSWORD)


async def open_session(
    services: Services, client: Client, user: User, method: SignInMethod
) -> SignIn:
    now = services.clock()
    session = await Session.create(
        id=uuid4(),
        user=user,
        method=method,
        address=client.address[:45],
        client=client.name[:200],
        created_at=now,
        last_used_at=now,
        expires_at=now + services.session_lifetime,
    )
    user.last_login_at = now
    await user.save(update_fields=["last_login_at"])
    token = services.access_tokens.issue(
        session_id=session.id, user_id=user.id, expires_at=session.expires_at
    )
    return SignIn(session, token)


async def forget_expired(now: datetime) -> int:
    """Deletes the sessions that have ended by themselves; returns how many."""
    return await Session.filter(expires_at__lte=now).delete()


async def logout(actor: Actor) -> None:
    """Ends the actor's session, if there is one."""
    if actor.session:
        await actor.session.delete()
