"""The CPU time of the most expensive documents that are allowed, and of hostile ones."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from operator import itemgetter

import click
from graphql import get_introspection_query

from bench.report import Table, show_progress
from models import Database, Grant, Group, Membership, Session, User, WebApp
from portal.container import Portal
from portal.settings import Settings
from portal.web.app import make_executor
from resolvers.actor import Actor
from schema.context import Context
from schema.executor import Executor, InvalidDocument
from schema.root import build_schema
from tests.schema.limits.abuse import DOCUMENTS as HOSTILE

DOCUMENTS = {
    "groups with web apps": "{ viewer { groups { name webapps { name linkName linkUrl } } } }",
    "groups with members": "{ admin { groups { edges { node {"
    " members(first: 98) { edges { node { username id databaseId } } } } } } } }",
    "users with groups": "{ admin { users { edges { node { username groups { id name } } } } } }",
    "members with groups": "{ admin { groups(first: 2) { edges { node {"
    " members { edges { node { groups { name } } } } } } } } }",
    "introspection": get_introspection_query(input_value_deprecation=True),
}
SHOWN = 8
NOTE = (
    "Milliseconds of CPU time, the minimum of {rounds} executions, in a portal with {size} groups"
    f" of {{size}} web apps each, for a user who is in all of them; and until the {SHOWN} most"
    " expensive hostile documents are rejected, or answered."
)


async def measure_limits(size: int, rounds: int, limit: float, hostile_limit: float) -> Table:
    """The limits are in CPU seconds."""
    show_progress("expensive and hostile documents")
    note = NOTE.format(rounds=rounds, size=size)
    table = Table("Expensive documents", note, ("document", "CPU", "limit"))
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite://{folder}/portal.sqlite3")
        user = await _create_portal(settings, size)
        portal = Portal(settings, clock=lambda: datetime.now(UTC))
        await portal.open()
        try:
            executor = make_executor(settings, build_schema())
            # The objects of the portal itself are not a cost of a document
            gc.collect()
            gc.freeze()
            for name, document in DOCUMENTS.items():
                runs = [await _execute(executor, portal, user, document) for _ in range(rounds)]
                _add(table, name, min(runs), limit)
            hostile = {
                name: min([await _reject(executor, portal, document) for _ in range(rounds)])
                for name, document in HOSTILE.items()
            }
        finally:
            gc.unfreeze()
            await portal.close()
    for name, seconds in sorted(hostile.items(), key=itemgetter(1), reverse=True)[:SHOWN]:
        _add(table, f"hostile: {name}", seconds, hostile_limit)
    return table


async def _create_portal(settings: Settings, size: int) -> User:
    database = Database(settings.database_url)
    await database.open()
    await database.migrate()
    root = await User.create(username="root", password_hash="", is_superuser=True)
    await User.bulk_create([User(username=f"user{n}", password_hash="") for n in range(size - 1)])
    await Group.bulk_create([Group(name=f"group{n}") for n in range(size)])
    await WebApp.bulk_create([WebApp(name=f"app{n}", link_show=True) for n in range(size)])
    groups, apps, users = await Group.all(), await WebApp.all(), await User.all()
    await Grant.bulk_create([Grant(group=group, webapp=app) for group in groups for app in apps])
    await Membership.bulk_create(
        [Membership(group=group, user=user) for group in groups for user in users]
    )
    await database.close()
    return root


async def _execute(executor: Executor, portal: Portal, user: User, document: str) -> float:
    """CPU seconds. Raises ClickException for an error."""
    prepared = executor.prepare(document)
    actor = Actor(Session(user=user, scopes=None), administrates=True)
    started = time.process_time()
    result = await executor.execute(prepared, Context(portal.services, actor))
    if result.errors:
        raise click.ClickException(str(result.errors[0]))
    return time.process_time() - started


async def _reject(executor: Executor, portal: Portal, document: str) -> float:
    """CPU seconds."""
    started = time.process_time()
    with suppress(InvalidDocument):
        prepared = executor.prepare(document)
        await executor.execute(prepared, Context(portal.services, Actor(None)))
    return time.process_time() - started


def _add(table: Table, name: str, seconds: float, limit: float) -> None:
    table.add_limited(name, f"{1000 * seconds:.0f}", value=1000 * seconds, limit=1000 * limit)


@click.command(help=__doc__)
@click.option("--size", default=200, show_default=True)
@click.option("--rounds", default=2, show_default=True)
@click.option("--limit", default=1.0, show_default=True, help="Allowed CPU seconds.")
@click.option("--hostile-limit", default=0.2, show_default=True, help="The same until rejection.")
def limits(size: int, rounds: int, limit: float, hostile_limit: float) -> Iterator[Table]:
    yield asyncio.run(measure_limits(size, rounds, limit, hostile_limit))
