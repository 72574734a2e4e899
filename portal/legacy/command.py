"""`kubeportal import-legacy`: everything from the former portal, in one transaction."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from models import AuditActor, AuditKind, Database, Group, User, WebApp
from portal.databases import up_to_date
from portal.legacy.catalog import Groups, WebApps
from portal.legacy.release import CLIENTS, NEWS, USERS, WEBAPPS, Release, recognise
from portal.legacy.report import Report
from portal.legacy.source import LegacyError, Source, open_postgres, open_source, open_sqlite
from portal.legacy.steps import Run
from portal.legacy.users import Progress, Users
from portal.legacy.values import text
from portal.settings import is_postgres
from resolvers.changes import WriteOptions
from resolvers.errors import BadUserInput, PortalError
from resolvers.writes import writing


async def run_import(database_url: str, place: str, options: WriteOptions) -> Report:
    """Raises LegacyError: nothing was changed."""
    async with open_source(place) as source:
        release = await recognise(source)
        await check_target(database_url)
        async with up_to_date(database_url, dry_run=options.dry_run):
            with _progress_bar() as progress:
                return await import_legacy(source, release, options, progress)


async def check_target(database_url: str) -> None:
    """Raises LegacyError for the database of the former portal.

    Both portals read the same environment variable, so this is an easy mistake; its tables must
    not get into that database, nor the write-ahead log that this portal turns on.
    """
    file = Database(database_url).sqlite_path
    if is_postgres(database_url):
        target = open_postgres(database_url)
    elif file and file.exists():
        target = open_sqlite(file, copy=False)
    else:
        return
    async with target as database:
        if USERS in await database.columns():
            raise LegacyError(
                "KUBEPORTAL_DATABASE_URL leads to the database of the former portal:"
                " use another database for this portal"
            )


async def import_legacy(
    source: Source, release: Release, options: WriteOptions, progress: Progress
) -> Report:
    """Raises LegacyError; then nothing was changed."""
    report = Report(source.label, release.name, options.dry_run)
    try:
        async with writing(AuditActor.OPERATOR, options) as writer:
            run = Run(source, release, report, writer)
            await WebApps(run).run_step()
            await Groups(run).run_step()
            users = Users(run)
            await users.run_step(progress)
            report.count_skipped()
            if not options.dry_run:
                await _advance_sequences()
            await writer.record(
                AuditKind.LEGACY_IMPORTED,
                source=report.source,
                release=report.release,
                tables={title: asdict(counts) for title, counts in report.tables.items()},
            )
    except BadUserInput as invalid:
        errors = (f"{'.'.join(map(str, each.path))}: {each.message}" for each in invalid.errors)
        raise LegacyError(f"nothing was imported: {' '.join(errors)}") from None
    except PortalError as error:
        raise LegacyError(f"nothing was imported: {error.message}") from None
    await _add_next_steps(run, users)
    return report


async def _advance_sequences() -> None:
    """PostgreSQL does not count ids that an INSERT names, and would assign them once more."""
    for model in (User, Group, WebApp):
        connection, table = model._meta.db, model._meta.db_table
        if connection.capabilities.dialect != "postgres":
            return
        sequence = f"pg_get_serial_sequence('{table}', 'id')::regclass"
        await connection.execute_query(
            f"SELECT setval({sequence}, greatest("
            f'(SELECT max("id") FROM "{table}"), pg_sequence_last_value({sequence})))'
        )


async def _add_next_steps(run: Run, users: Users) -> None:
    report, release = run.report, run.release
    if not run.writer.has_administrator:
        report.next_steps.append(
            "Create an administrator, as none can sign in: kubeportal user create NAME --superuser."
        )
    report.add_step("Give these users a password, as they can't sign in", users.locked_out)
    namespaces = sorted({account.partition(":")[0] for account in users.accounts})
    if namespaces and run.writer.options.foreign_bindings.problem:
        report.next_steps.append(run.writer.options.foreign_bindings.unchecked)
    report.add_step("Check that these namespaces exist in the cluster", namespaces)
    if release.has(WEBAPPS, "oidc_client_id") and release.has(CLIENTS):
        names = await _webapp_names(run.source, '"oidc_client_id" IS NOT NULL')
        report.add_step("Register these web apps with another OpenID provider", names)
    if release.has(WEBAPPS, "can_subauth"):
        names = await _webapp_names(run.source, '"can_subauth"')
        report.add_step("Protect these web apps in another way than sub-authentication", names)
    if release.has(NEWS):
        news = await run.source.rows(f'SELECT "id" FROM "{NEWS}"')
        if news:
            report.next_steps.append(f"Publish {len(news)} news elsewhere.")


async def _webapp_names(source: Source, condition: str) -> list[str]:
    query = f'SELECT "name" FROM "{WEBAPPS}" WHERE {condition} ORDER BY "id"'
    return [text(row["name"]) for row in await source.rows(query)]


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """For terminals only."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=1, label="Users", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield show
