"""Making accounts from the command line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from tortoise.transactions import in_transaction

from auth.passwords import Passwords, UnusablePassword
from models import AuditActor, AuditEvent, AuditKind, User
from models.audit import allow_changes, make_append_only
from portal.cli.client import credential, login
from portal.cli.contract import ContractError, check_schema, openapi_json, print_schema
from portal.cli.main import run
from portal.container import Portal, warn_of_short_keys
from portal.databases import opened, require_migrated, up_to_date
from portal.declared import run_apply
from portal.errors import OperatorError
from portal.legacy import report_file, run_import
from portal.logs import log_audit_events, log_to_standard_error
from portal.settings import Settings, settings_from_environment
from portal.web import server
from portal.web.app import utc_now
from resolvers.audit import record
from resolvers.changes import Create, WriteOptions
from resolvers.errors import BadUserInput
from resolvers.writes import commit

OPTIONS = {
    "username": "USERNAME",
    "primary_email": "--email",
    "first_name": "--first-name",
    "last_name": "--last-name",
}


class AccountError(OperatorError):
    """The account can't be made; the message says why."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    username: str
    email: str | None = None
    first_name: str = ""
    last_name: str = ""
    superuser: bool = False
    password: str | None = None


async def create_account(account: NewAccount, passwords: Passwords) -> User:
    """Raises AccountError."""
    user = User(
        username=account.username,
        primary_email=account.email,
        first_name=account.first_name,
        last_name=account.last_name,
        is_superuser=account.superuser,
    )
    options = WriteOptions(now=utc_now(), google=False)
    try:
        user.password_hash = await _hash(account, passwords)
        await commit(AuditActor.OPERATOR, [Create(user)], options)
    except UnusablePassword as error:
        raise AccountError(f"Password: {error}") from None
    except BadUserInput as invalid:
        errors = (f"{OPTIONS[str(error.path[0])]}: {error.message}" for error in invalid.errors)
        raise AccountError(" ".join(errors)) from None
    return user


async def _hash(account: NewAccount, passwords: Passwords) -> str | None:
    if not account.password:
        return None
    owner = (account.username, account.email or "", account.first_name, account.last_name)
    return await passwords.hash(account.password, owner)


async def prune(before: datetime) -> int:
    """Deletes older events, and records that; returns how many there were."""
    async with in_transaction() as connection:
        await allow_changes(connection)
        count = await AuditEvent.filter(happened_at__lt=before).delete()
        await make_append_only(connection)
        await record(
            AuditActor.OPERATOR, AuditKind.AUDIT_PRUNED, before=before.isoformat(), deleted=count
        )
    return count


T = TypeVar("T")
NO_ADMINISTRATOR = (
    "Nobody can sign in and administrate the portal yet: declare somebody with"
    " `superuser: true` and a password, or run `kubeportal user create NAME --superuser`."
)


def main() -> None:
    run(cli)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kubeportal", prog_name="kubeportal")
def cli() -> None:
    """The door to a Kubernetes cluster. Configured by the environment: see the README."""


cli.add_command(credential)


cli.add_command(login)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option("--migrate/--no-migrate", default=True, help="Migrate the database first.")
def serve(host: str, port: int, workers: int, migrate: bool) -> None:
    """Serve the portal."""
    settings = settings_from_environment()
    log_to_standard_error()
    server.check_address(host, port)
    asyncio.run(_prepare(settings, migrate=migrate))
    warn_of_short_keys(settings)
    server.serve(settings, host=host, port=port, workers=workers)


@cli.command()
def migrate() -> None:
    """Bring the database up to date."""
    applied = asyncio.run(_migrate(settings_from_environment()))
    click.echo("\n".join(f"applied {name}" for name in applied) or "The database is up to date.")


@cli.group()
def user() -> None:
    """Accounts."""


@user.command("create")
@click.argument("username")
@click.option("--email", help="The primary address.")
@click.option("--first-name", default="")
@click.option("--last-name", default="")
@click.option("--superuser", is_flag=True, help="May do everything.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def user_create(password_stdin: bool, **account: Any) -> None:
    """Make an account. The password is asked for on a terminal; else there is none."""
    password = _password(from_stdin=password_stdin)
    passwords = Passwords(names=settings_from_environment().names)
    log_audit_events()
    created = _with_database(
        lambda: create_account(NewAccount(password=password, **account), passwords)
    )
    click.echo(f"created {created.username} with id {created.id}")


@cli.command()
@click.option("-f", "--file", required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
def apply(file: Path, dry_run: bool) -> None:
    """Make users, groups and web apps as a YAML file declares them."""
    log_audit_events()
    applied = asyncio.run(run_apply(settings_from_environment(), file, dry_run=dry_run))
    click.echo(applied)
    if not applied.has_administrator:
        click.echo(NO_ADMINISTRATOR, err=True)


@cli.group("audit")
def audit_log() -> None:
    """The audit log."""


@audit_log.command("prune")
@click.option(
    "--before",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="The first day to keep, in UTC, as in 2026-01-31.",
)
def audit_prune(before: datetime) -> None:
    """Delete old events; that is an event itself."""
    log_audit_events()
    count = _with_database(lambda: prune(before.replace(tzinfo=UTC)))
    click.echo(f"deleted {count} events")


@cli.command("import-legacy")
@click.argument("source")
@click.option("--dry-run", is_flag=True, help="Show what would happen, and change nothing.")
@click.option("--report", type=click.Path(path_type=Path), help="Write the report there as JSON.")
def import_legacy(source: str, dry_run: bool, report: Path | None) -> None:
    """Take everything over from the former portal: from its SQLite file or a postgres:// URL."""
    settings = settings_from_environment()
    log_audit_events()
    with report_file(report) as write:
        outcome = asyncio.run(run_import(settings.database_url, source, dry_run=dry_run))
        try:
            click.echo(outcome)
        finally:
            write(outcome.json())


@cli.group()
def schema() -> None:
    """The GraphQL schema."""


@schema.command("print")
def schema_print() -> None:
    """The schema definition (SDL)."""
    click.echo(print_schema(), nl=False)


@schema.command("check")
@click.option(
    "--against",
    default="schema.graphql",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The schema that clients rely on.",
)
@click.option(
    "--documents",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="A folder with *.graphql files of clients, or one file or manifest; beside those of REST.",
)
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def schema_check(against: Path, documents: tuple[Path, ...], as_json: bool) -> None:
    """Fail when clients of the committed schema would break."""
    found = check_schema(against, documents)
    click.echo(found.as_json() if as_json else str(found))
    if found.objection:
        raise ContractError(found.objection)


@cli.group()
def openapi() -> None:
    """The description of the REST API."""


@openapi.command("print")
def openapi_print() -> None:
    """The OpenAPI description as JSON."""
    click.echo(openapi_json())


def _password(*, from_stdin: bool) -> str | None:
    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
        if not given:
            raise AccountError("Password: standard input is empty.")
        return given
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return password
    return None


def _with_database(work: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        async with up_to_date(settings_from_environment().database_url):
            return await work()

    return asyncio.run(run())


async def _prepare(settings: Settings, *, migrate: bool) -> None:
    """So that a mistake in the environment is one line before the server starts."""
    async with opened(settings.database_url) as database:
        if migrate:
            await database.migrate()
        else:
            await require_migrated(database)
        services = await Portal(settings, clock=utc_now).assemble()
        await services.clusters.close()


async def _migrate(settings: Settings) -> list[str]:
    async with opened(settings.database_url) as database:
        return await database.migrate()
