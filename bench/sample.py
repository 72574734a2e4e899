"""The small portal that the benchmarks serve: users with sessions, groups and web apps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from auth.passwords import Passwords
from auth.tokens import AccessTokens
from models import (
    AccessState,
    Database,
    Grant,
    Group,
    GroupMembership,
    Membership,
    ServiceAccount,
    Session,
    SignInMethod,
    User,
    WebApp,
)

SECRET_KEY = "the public signing key of the benchmarks"  # noqa: S105
PASSWORD = "correct horse battery"  # noqa: S105
USERS, GROUPS, GROUPS_OF_A_USER = 200, 12, 4
SESSION_LIFETIME = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Caller:
    """A user and the access token of a session of the user."""

    id: int
    username: str
    token: str


@dataclass(frozen=True, slots=True)
class Sample:
    """`member` is in the group, which has the web app, and has no other rights. `owner` has a
    service account.
    """

    admin: Caller
    member: Caller
    owner: Caller
    callers: list[Caller]
    group_id: int
    webapp_id: int


async def create_sample(database_url: str) -> Sample:
    """Migrate an empty database and fill it."""
    database = Database(database_url)
    await database.open()
    try:
        await database.migrate()
        await _create_users()
        await _create_groups()
        admin, member, owner, *others = await _sign_in(await User.all().order_by("id"))
        grant, *_ = await Grant.filter(group__memberships__user_id=member.id)
    finally:
        await database.close()
    callers = [admin, member, owner, *others]
    return Sample(admin, member, owner, callers, grant.group_id, grant.webapp_id)


async def _create_users() -> None:
    password_hash = await Passwords().hash(PASSWORD)
    account = await ServiceAccount.create(namespace="team-owner", name="default")
    await User.bulk_create(
        User(
            username=f"user{number}",
            first_name="Given",
            last_name=f"Family {number}",
            primary_email=f"user{number}@example.org",
            alternative_emails=[f"user{number}@alt.example.org"],
            password_hash=password_hash,
            is_superuser=number == 0,
            service_account=account if number == 2 else None,
            access_state=AccessState.APPROVED if number == 2 else AccessState.NEW,
        )
        for number in range(USERS)
    )


async def _create_groups() -> None:
    await Group.create(name="Everyone", membership=GroupMembership.ALL_USERS)
    await Group.bulk_create(Group(name=f"Group {number}") for number in range(GROUPS))
    groups = await Group.filter(membership=GroupMembership.MANUAL).order_by("id")
    for group in groups:
        webapp = await WebApp.create(
            name=f"App of {group.name}",
            link_name=f"App of {group.name}",
            link_url=f"https://app{group.id}.example.org/",
            link_show=True,
        )
        await Grant.create(group=group, webapp=webapp)
    await Membership.bulk_create(
        Membership(user=user, group=groups[(user.id + offset) % GROUPS])
        for user in await User.all()
        for offset in range(GROUPS_OF_A_USER)
    )


async def _sign_in(users: list[User]) -> list[Caller]:
    now = datetime.now(UTC)
    expires_at = now + SESSION_LIFETIME
    tokens = AccessTokens(keys=[SECRET_KEY], clock=lambda: now)
    sessions = [
        Session(
            id=uuid4(),
            user=user,
            method=SignInMethod.PASSWORD,
            created_at=now,
            last_used_at=now,
            expires_at=expires_at,
        )
        for user in users
    ]
    await Session.bulk_create(sessions)
    return [
        Caller(
            user.id,
            user.username,
            tokens.issue(session_id=session.id, user_id=user.id, expires_at=expires_at),
        )
        for user, session in zip(users, sessions, strict=True)
    ]
