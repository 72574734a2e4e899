"""`kubeportal serve` and `kubeportal migrate`."""

from __future__ import annotations

import asyncio
import logging
import os

import click

from cluster.cluster import Cluster
from cluster.connection import ClusterError
from portal.container import Portal, warn_of_readable_database, warn_of_short_keys
from portal.databases import opened, require_migrated
from portal.logs import log_to_standard_error
from portal.settings import (
    Settings,
    database_label,
    settings_from_environment,
    warn_of_unknown_variables,
)
from portal.web import server
from portal.web.app import utc_now

logger = logging.getLogger(__name__)


@click.command()
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
    warn_of_unknown_variables(os.environ)
    server.serve(settings, host=host, port=port, workers=workers)


@click.command()
def migrate() -> None:
    """Create or update the database schema."""
    applied = asyncio.run(_migrate(settings_from_environment()))
    click.echo("\n".join(f"applied {name}" for name in applied) or "The database is up to date.")


async def _prepare(settings: Settings, *, migrate: bool) -> None:
    """Migrate, assemble the services and log what they are, once for all workers.

    uvicorn would log a traceback for a mistake in the settings.
    """
    async with opened(settings.database_url) as database:
        if migrate:
            await database.migrate()
        else:
            await require_migrated(database)
        warn_of_readable_database(database.sqlite_path)
        portal = Portal(settings, clock=utc_now)
        services = await portal.assemble()
        try:
            logger.info(
                "KubePortal %s, database %s", portal.version, database_label(settings.database_url)
            )
            await asyncio.gather(*map(_log_state, services.clusters))
        finally:
            await services.clusters.close()


async def _log_state(cluster: Cluster) -> None:
    try:
        logger.info("cluster %s answers: Kubernetes %s", cluster.name, await cluster.read_version())
    except ClusterError as error:
        logger.warning("cluster %s does not answer: %s", cluster.name, error)


async def _migrate(settings: Settings) -> list[str]:
    async with opened(settings.database_url) as database:
        return await database.migrate()
