"""`kubeportal user`: accounts and their passwords."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import click

from auth.passwords import Passwords
from models import AccessState, AuditActor, User
from portal.cli.database import CommandError, find_user, read_password, run_on_database
from portal.cli.groups import find_group
from portal.cli.lists import Row, json_option, limit_option, pages_of, print_list
from portal.container import command_options
from portal.settings import Settings
from portal.web.app import utc_now
from resolvers import users
from resolvers.administrators import administrators_among
from resolvers.changes import Create, SetPassword, Update
from resolvers.pages import Direction
from resolvers.passwords import hash_new
from resolvers.users import UserFilter, UserOrderField
from resolvers.writes import commit, writing

COLUMNS = {
    "ID": "databaseId",
    "USER": "username",
    "FIRST NAME": "firstName",
    "LAST NAME": "lastName",
    "E-MAIL": "primaryEmail",
    "ADMIN": "isAdmin",
    "ACTIVE": "isActive",
    "ACCESS": "accessState",
    "LAST SIGN-IN": "lastLoginAt",
}
EMPTY = "Password: standard input is empty."

password_stdin_option = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input, as without a terminal; here it must not be empty.",
)


@click.group()
def user() -> None:
    """Manage users."""


@user.command("create")
@click.argument("username")
@click.option("--email", help="Primary e-mail address.")
@click.option("--first-name", default="")
@click.option("--last-name", default="")
@click.option("--superuser", is_flag=True, help="Give the user every permission.")
@password_stdin_option
def user_create(
    username: str,
    email: str | None,
    first_name: str,
    last_name: str,
    superuser: bool,
    password_stdin: bool,
) -> None:
    """Create a user.

    Prompts for a password on a terminal. Without one, the password is the first line of standard
    input; if that is empty, the user has no password.
    """
    password = read_password(from_stdin=password_stdin)
    if password_stdin and not password:
        raise CommandError(EMPTY)

    async def create(settings: Settings) -> User:
        # Tortoise gives the models their columns when it opens the database, not before
        user = User(
            username=username,
            primary_email=email,
            first_name=first_name,
            last_name=last_name,
            is_superuser=superuser,
        )
        await create_user(settings, user, password)
        return user

    user = run_on_database(create)
    click.echo(f"created {user.username} with id {user.id}")
    if not password:
        hint = "`kubeportal user set-password` sets one"
        click.echo(f"{user.username} has no password: {hint}.", err=True)


async def create_user(settings: Settings, user: User, password: str) -> None:
    """Without a password if it is empty. Raises BadUserInput."""
    if password:
        passwords = Passwords(names=settings.names)
        user.password_hash = await hash_new(passwords, password, user, field="password")
    await commit(AuditActor.OPERATOR, [Create(user)], command_options(settings, dry_run=False))


@user.command("set-password")
@click.argument("username")
@password_stdin_option
def user_set_password(username: str, password_stdin: bool) -> None:
    """Set a password, and end the sessions and tokens of the user.

    Prompts for it on a terminal. Without one, it is the first line of standard input.
    """
    password = read_password(from_stdin=password_stdin)
    if not password:
        raise CommandError(EMPTY)

    async def set_password(settings: Settings) -> tuple[User, int]:
        user = await find_user(username)
        passwords = Passwords(names=settings.names)
        change = SetPassword(user, await hash_new(passwords, password, user, field="password"))
        options = command_options(settings, dry_run=False)
        writer = await commit(AuditActor.OPERATOR, [change], options)
        return user, writer.ended_sessions[user.id]

    user, ended = run_on_database(set_password)
    click.echo(f"set the password of {user.username}, sessions ended: {ended}")


@user.command("deactivate")
@click.argument("username")
def user_deactivate(username: str) -> None:
    """Close an account: its sessions, tokens and access to the cluster end."""
    _set_active(username, active=False)


@user.command("activate")
@click.argument("username")
def user_activate(username: str) -> None:
    """Reopen a closed account. Its access to the cluster has to be approved again."""
    _set_active(username, active=True)


def _set_active(username: str, *, active: bool) -> None:
    async def update(settings: Settings) -> tuple[User, bool, int]:
        options = command_options(settings, dry_run=False)
        async with writing(AuditActor.OPERATOR, options) as writer:
            user = await find_user(username)
            is_change = user.is_active != active
            await writer.write([Update(user, {"is_active": active})])
        return user, is_change, writer.ended_sessions[user.id]

    user, is_change, ended = run_on_database(update)
    state = "active" if active else "inactive"
    if is_change:
        click.echo(f"{user.username} is now {state}, sessions ended: {ended}")
    else:
        click.echo(f"{user.username} was {state} already")


@user.command("list")
@click.option("--search", help="Only users with this text in a name or address.")
@click.option("--active/--inactive", default=None, help="Only open or closed accounts.")
@click.option("--admin/--no-admin", default=None, help="Only administrators or other users.")
@click.option(
    "--access",
    type=click.Choice(AccessState, case_sensitive=False),
    help="Only users whose access is in this state.",
)
@click.option("--group", help="Only members of the group with this name.")
@click.option(
    "--order-by",
    type=click.Choice(UserOrderField, case_sensitive=False),
    default=UserOrderField.ID,
    show_default=True,
)
@click.option("--descending", is_flag=True, help="Reverse the order.")
@limit_option
@json_option
def user_list(
    search: str | None,
    active: bool | None,
    admin: bool | None,
    access: AccessState | None,
    group: str | None,
    order_by: UserOrderField,
    descending: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """List users."""
    now = utc_now()
    order = order_by.value.directed(Direction.DESC if descending else Direction.ASC)

    async def rows() -> AsyncIterator[Sequence[Row]]:
        group_id = None if group is None else (await find_group(group)).id
        query = await users.search(search, UserFilter(active, admin, access, group_id), now)
        async for page in pages_of(query, order, limit):
            administrators = await administrators_among([row.id for row in page])
            yield [_row(row, now, is_admin=row.id in administrators) for row in page]

    run_on_database(
        lambda settings: print_list(rows(), COLUMNS, now, as_json=as_json), read_only=True
    )


def _row(user: User, now: datetime, *, is_admin: bool) -> dict[str, Any]:
    return {
        "databaseId": user.id,
        "username": user.username,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "primaryEmail": user.primary_email,
        "alternativeEmails": user.alternative_emails,
        "isAdmin": is_admin,
        "isSuperuser": user.is_superuser,
        "isActive": user.is_active,
        "accessState": user.access_state_at(now),
        "accessExpiresAt": user.access_expires_at,
        "createdAt": user.created_at,
        "lastLoginAt": user.last_login_at,
    }
