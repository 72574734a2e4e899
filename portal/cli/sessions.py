"""`kubeportal session`: sign-ins and personal access tokens of users."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import click
from tortoise.expressions import Subquery

from models import AuditActor, Session, SignInMethod, User
from portal.cli.database import CommandError, find_user, run_on_database
from portal.cli.lists import Row, json_option, pages_of, print_list
from portal.container import command_options
from portal.settings import Settings
from portal.web.app import utc_now
from resolvers.changes import EndSessions
from resolvers.checks import rows_among
from resolvers.errors import NotFound
from resolvers.pages import BY_ID
from resolvers.sessions import end_session, visible_to
from resolvers.writes import commit

COLUMNS = {
    "ID": "id",
    "USER": "username",
    "METHOD": "method",
    "TOKEN": "name",
    "ADDRESS": "address",
    "CREATED": "createdAt",
    "LAST USED": "lastUsedAt",
    "EXPIRES": "expiresAt",
}


@click.group()
def session() -> None:
    """Manage sessions: sign-ins and personal access tokens."""


@session.command("list")
@click.option("--user", "username", help="Only sessions of this user.")
@click.option(
    "--method",
    type=click.Choice(SignInMethod, case_sensitive=False),
    help="Only sign-ins of this kind, or personal access tokens.",
)
@json_option
def session_list(username: str | None, method: SignInMethod | None, as_json: bool) -> None:
    """List sessions by user, the newest first."""
    run_on_database(
        lambda settings: print_list(_rows(username, method), COLUMNS, utc_now(), as_json=as_json),
        read_only=True,
    )


async def _rows(username: str | None, method: SignInMethod | None) -> AsyncIterator[Sequence[Row]]:
    """A page has the sessions of a page of users, each of whom has a limited number of them."""
    owners = User.filter(id__in=Subquery(Session.all().values("user_id")))
    if username is not None:
        owners = owners.filter(id=(await find_user(username)).id)
    sessions = visible_to(AuditActor.OPERATOR).order_by("user_id", "-created_at")
    if method is not None:
        sessions = sessions.filter(method=method)
    async for users in pages_of(owners, BY_ID):
        found = await rows_among(sessions, "user_id", [user.id for user in users])
        yield [_row(each) for each in found]


def _row(session: Session) -> Row:
    return {
        "id": str(session.id),  # of asyncpg's own type on PostgreSQL
        "username": session.user.username,
        "userDatabaseId": session.user_id,
        "method": session.method,
        "name": session.name,
        "scopes": session.scopes,
        "address": session.address,
        "client": session.client,
        "createdAt": session.created_at,
        "lastUsedAt": session.last_used_at,
        "expiresAt": session.expires_at,
    }


@session.command("end")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=click.UUID)
@click.option("--user", "username", help="End all sessions and tokens of this user.")
def session_end(ids: tuple[UUID, ...], username: str | None) -> None:
    """End sign-ins and delete tokens, by their ids or for a user."""
    if bool(ids) == (username is not None):
        raise click.UsageError("Give either ids of sessions, or --user.")

    async def end(settings: Settings) -> int:
        return await _end_each(ids) if username is None else await _end_all(settings, username)

    click.echo(f"sessions ended: {run_on_database(end)}")


async def _end_all(settings: Settings, username: str) -> int:
    user = await find_user(username)
    options = command_options(settings, dry_run=False)
    writer = await commit(AuditActor.OPERATOR, [EndSessions(user)], options)
    return writer.ended_sessions[user.id]


async def _end_each(ids: Sequence[UUID]) -> int:
    """Ends those that exist. Raises CommandError with a line for each of the others."""
    missing: list[str] = []
    for session_id in ids:
        try:
            await end_session(AuditActor.OPERATOR, session_id)
        except NotFound:
            missing.append(f"There is no session {session_id}.")
    if missing:
        raise CommandError(*missing)
    return len(ids)
