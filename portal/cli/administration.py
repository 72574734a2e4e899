"""Commands that write many rows at once: `apply` and `import-legacy`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import click

from portal.cli.database import command_settings
from portal.container import command_options, read_foreign_bindings
from portal.declared import run_apply
from portal.legacy import Report, report_file, run_import
from portal.settings import Settings

NO_ADMINISTRATOR = (
    "No user can sign in and administrate the portal yet: declare a user with"
    " `superuser: true` and a password, or run `kubeportal user create NAME --superuser`."
)


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
    settings = command_settings()
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
    settings = command_settings()
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
