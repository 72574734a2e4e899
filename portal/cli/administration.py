"""Commands that write to the database: `user create`, `apply`, `import-legacy`, `audit prune`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
from tortoise.transactions import in_transaction

from auth.passwords import Passwords, UnusablePassword
from models import AuditActor, AuditEvent, AuditKind, User
from models.audit import allow_changes, make_append_only
from portal.container import command_options, read_foreign_bindings
from portal.databases import up_to_date
from portal.declared import run_apply
from portal.errors import OperatorError
from portal.legacy import Report, report_file, run_import
from portal.logs import log_audit_events
from portal.settings import Settings, settings_from_environment
from portal.web.app import utc_now
from resolvers.audit import record
from resolvers.changes import Create, WriteOptions
from resolvers.errors import BadUserInput, FieldError
from resolvers.writes import commit

T = TypeVar("T")
OPTIONS = {
    "username": "USERNAME",
    "primary_email": "--email",
    "first_name": "--first-name",
    "last_name": "--last-name",
}
NO_ADMINISTRATOR = (
    "No user can sign in and administrate the portal yet: declare a user with"
    " `superuser: true` and a password, or run `kubeportal user create NAME --superuser`."
)


class UserError(OperatorError):
    """The user is not valid; the message names the option and says why."""


@click.group()
def user() -> None:
    """Manage users."""


@user.command("create")
@click.argument("username")
@click.option("--email", help="Primary e-mail address.")
@click.option("--first-name", default="")
@click.option("--last-name", default="")
@click.option("--superuser", is_flag=True, help="Give the user every permission.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def user_create(
    username: str,
    email: str | None,
    first_name: str,
    last_name: str,
    superuser: bool,
    password_stdin: bool,
) -> None:
    """Create a user. Prompts for a password on a terminal; without one, the user has none."""
    password = _read_password(from_stdin=password_stdin)
    passwords = Passwords(names=settings_from_environment().names)
    log_audit_events()

    async def create() -> User:
        # Tortoise gives the models their columns when it opens the database, not before
        user = User(
            username=username,
            primary_email=email,
            first_name=first_name,
            last_name=last_name,
            is_superuser=superuser,
        )
        await create_user(user, password, passwords)
        return user

    user = _with_database(create)
    click.echo(f"created {user.username} with id {user.id}")


async def create_user(user: User, password: str | None, passwords: Passwords) -> None:
    """Raises UserError."""
    names = (user.username, user.primary_email or "", user.first_name, user.last_name)
    try:
        if password:
            user.password_hash = await passwords.hash(password, names)
        await commit(AuditActor.OPERATOR, [Create(user)], WriteOptions(now=utc_now(), google=False))
    except UnusablePassword as error:
        raise UserError(f"Password: {error}") from None
    except BadUserInput as error:
        raise UserError(" ".join(map(_message, error.errors))) from None


def _message(error: FieldError) -> str:
    option = OPTIONS.get(str(error.path[0])) if error.path else None
    return f"{option}: {error.message}" if option else error.message


def _read_password(*, from_stdin: bool) -> str | None:
    if from_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise UserError("Password: standard input is empty.")
        return line
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return password
    return None


@click.command()
@click.option("-f", "--file", required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Print what would change, without changing it.")
@click.option(
    "--allow-system-namespaces",
    is_flag=True,
    help="Let service accounts in namespaces that begin with kube- be declared.",
)
def apply(file: Path, dry_run: bool, allow_system_namespaces: bool) -> None:
    """Create and change users, groups and web apps as a YAML file declares them."""
    log_audit_events()
    settings = settings_from_environment()
    applied = asyncio.run(
        run_apply(settings, file, dry_run=dry_run, system_namespaces=allow_system_namespaces)
    )
    click.echo(applied)
    if applied.unchecked:
        click.echo(applied.unchecked, err=True)
    if not applied.has_administrator:
        click.echo(NO_ADMINISTRATOR, err=True)


@click.command("import-legacy")
@click.argument("source")
@click.option("--dry-run", is_flag=True, help="Print what would happen, without changing anything.")
@click.option("--report", type=click.Path(path_type=Path), help="Write the report as JSON.")
def import_legacy(source: str, dry_run: bool, report: Path | None) -> None:
    """Import the data of the former portal from SOURCE: an SQLite file or a postgres:// URL."""
    settings = settings_from_environment()
    log_audit_events()
    with report_file(report) as write:
        outcome = asyncio.run(_import(settings, source, dry_run=dry_run))
        click.echo(outcome)
        write(outcome.json())


async def _import(settings: Settings, source: str, *, dry_run: bool) -> Report:
    options = replace(
        command_options(settings, dry_run=dry_run),
        foreign_bindings=await read_foreign_bindings(settings),
    )
    return await run_import(settings.database_url, source, options)


@click.group()
def audit() -> None:
    """Manage the audit log."""


@audit.command("prune")
@click.option(
    "--before",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="First day to keep, in UTC, such as 2026-01-31.",
)
def audit_prune(before: datetime) -> None:
    """Delete old events. The deletion is an event itself."""
    log_audit_events()
    count = _with_database(lambda: prune_events(before.replace(tzinfo=UTC)))
    click.echo(f"deleted {count} events")


async def prune_events(before: datetime) -> int:
    """Delete and count older events, and record that."""
    async with in_transaction() as connection:
        await allow_changes(connection)
        count = await AuditEvent.filter(happened_at__lt=before).delete()
        await make_append_only(connection)
        await record(
            AuditActor.OPERATOR, AuditKind.AUDIT_PRUNED, before=before.isoformat(), deleted=count
        )
    return count


def _with_database(work: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        async with up_to_date(settings_from_environment().database_url):
            return await work()

    return asyncio.run(run())
