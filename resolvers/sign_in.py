"""Sign-in policy: rate limits, verification, upgrade of the hash, session, event."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from tortoise.transactions import in_transaction

from auth.errors import CredentialRefused, ProviderUnavailable
from auth.google import GoogleIdentity, GoogleSignIn
from models import AuditKind, AuditOutcome, Session, SignInMethod, User, username_key
from models.sessions import ADDRESS_LENGTH, CLIENT_LENGTH
from models.users import KEY_LENGTH
from resolvers.actor import Actor, Client
from resolvers.audit import record
from resolvers.errors import BadUserInput, FieldError, InvalidCredentials, RateLimited, Unavailable
from resolvers.google import google_user
from resolvers.passwords import require_values, verify
from resolvers.rate_limits import Budget, Limit, network_of
from resolvers.services import Services
from resolvers.sessions import actor_of, end_oldest_sign_ins

QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
# Failed passwords. A network from which the account has signed in during the last FAMILIARITY has
# limits of its own: failures elsewhere, or of others in that network, don't lock out the owner
NETWORK = Limit("network", 50, QUARTER)
ACCOUNT = Limit("account", 20, QUARTER)
ACCOUNT_DAY = Limit("account-day", 100, DAY)
FAMILIAR_NETWORK = Limit("familiar-network", 200, QUARTER)
FAMILIAR_ACCOUNT = Limit("familiar-account", 20, QUARTER)
FAMILIAR_ACCOUNT_DAY = Limit("familiar-account-day", 100, DAY)
FAMILIAR, FAMILIARITY = "familiar", timedelta(days=90)
# What Google has signed can't be guessed: this one is against floods only
GOOGLE = Limit("google", 60, timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class SignIn:
    """The user of a new session, and the access token that names it."""

    actor: Actor
    access_token: str
    expires_at: datetime


async def login(services: Services, client: Client, username: str, password: str) -> SignIn:
    """Sign in with a user name and a password.

    Raises BadUserInput for an empty value, RateLimited after too many failures,
    InvalidCredentials, and Unavailable when too many passwords are being verified.
    """
    require_values(username=username, password=password)
    method = SignInMethod.PASSWORD
    network = network_of(client.address)
    account = username_key(username[: KEY_LENGTH + 1])  # may not exist, and be as long as a request
    pair = f"{network} {account}"

    user = await User.by_username(username)
    if await services.rate_limits.is_remembered(FAMILIAR, pair):
        budgets = (
            Budget(FAMILIAR_NETWORK, network),
            Budget(FAMILIAR_ACCOUNT, pair),
            Budget(FAMILIAR_ACCOUNT_DAY, pair),
        )
    else:
        budgets = (
            Budget(NETWORK, network),
            Budget(ACCOUNT, account),
            Budget(ACCOUNT_DAY, account),
        )
    async with _attempt(services, client, method, user, *budgets):
        # A closed account is verified as a missing one is, and answered in the same way
        stored = user.password_hash if user and user.is_active else None
        verification = await verify(services, password, stored)
        if user is None or not verification.ok:
            await _record_failure(client, method, user)
            raise InvalidCredentials
        sign_in = await _open_session(services, client, user, method, verification.replacement)
    if sign_in is None:  # the password or the account was changed during the verification
        return await login(services, client, username, password)
    await services.rate_limits.remember(FAMILIAR, pair, FAMILIARITY)
    return sign_in


async def login_with_google(
    services: Services,
    client: Client,
    identify: Callable[[GoogleSignIn], Awaitable[GoogleIdentity]],
) -> SignIn:
    """Sign in as the user of a Google identity, who is created at the first sign-in.

    Raises BadUserInput where Google sign-in is not configured, RateLimited after too many failures,
    InvalidCredentials, and Unavailable when Google does not respond.
    """
    if services.google is None:
        raise BadUserInput(FieldError("Google sign-in is not configured on this portal."))
    method = SignInMethod.GOOGLE
    budget = Budget(GOOGLE, network_of(client.address))
    async with _attempt(services, client, method, None, budget):
        try:
            user = await google_user(services, client, await identify(services.google))
        except ProviderUnavailable as outage:
            raise Unavailable(str(outage)) from outage
        except (CredentialRefused, InvalidCredentials) as refusal:
            await _record_failure(client, method, None)
            raise InvalidCredentials(str(refusal)) from refusal
        sign_in = await _open_session(services, client, user, method)
        if sign_in is None:
            await _record_failure(client, method, user)
            raise InvalidCredentials
    return sign_in


async def _open_session(
    services: Services,
    client: Client,
    user: User,
    method: SignInMethod,
    upgraded_hash: str | None = None,
) -> SignIn | None:
    """None for a closed account, and when the password is not that of `user` any more."""
    now = services.clock()
    session = Session(
        id=uuid4(),
        user=user,
        method=method,
        address=client.address[:ADDRESS_LENGTH],
        client=client.name[:CLIENT_LENGTH],
        created_at=now,
        last_used_at=now,
        expires_at=now + services.session_lifetime,
    )
    async with in_transaction():
        # Also locks the row: what ends all sessions of the user ends this one, or comes before it
        unchanged = User.filter(id=user.id, password_hash=user.password_hash, is_active=True)
        columns = {"last_login_at": now, "password_hash": upgraded_hash or user.password_hash}
        if not await unchanged.update(**columns):
            return None
        user.update_from_dict(columns)
        actor = Actor(session, client=client)
        await end_oldest_sign_ins(actor, user)
        await session.save(force_create=True)
        await record(actor, AuditKind.SIGN_IN, user, method=method.value)
    token = services.access_tokens.issue(
        session_id=session.id, user_id=user.id, expires_at=session.expires_at
    )
    return SignIn(await actor_of(session.id, client), token, session.expires_at)


@asynccontextmanager
async def _attempt(
    services: Services, client: Client, method: SignInMethod, user: User | None, *budgets: Budget
) -> AsyncIterator[None]:
    """Only the first refusal of a window is recorded, so that attempts can't fill the log."""
    try:
        async with services.rate_limits.attempt(*budgets):
            yield
    except RateLimited as limited:
        if limited.is_first:
            await _record_failure(client, method, user, AuditOutcome.THROTTLED)
        raise


async def _record_failure(
    client: Client,
    method: SignInMethod,
    user: User | None,
    outcome: AuditOutcome = AuditOutcome.REFUSED,
) -> None:
    """A user name that does not exist is not recorded: it may be a password."""
    account = "UNKNOWN" if user is None else "OPEN" if user.is_active else "CLOSED"
    by = Actor(client=client)
    await record(by, AuditKind.SIGN_IN, user, outcome=outcome, method=method.value, account=account)
