"""What the audit log says about sign-ins and the ends of sessions."""

from __future__ import annotations

from models import AuditActor, AuditKind, AuditOutcome, Session, SignInMethod, User
from resolvers.actor import Actor, Client
from resolvers.audit import record
from resolvers.errors import RateLimited


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
