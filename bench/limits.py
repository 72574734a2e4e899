"""What the dearest documents that are allowed cost, in a portal with large groups.

    python -m bench limits

Makes SIZE groups with SIZE web apps each, and a user who is in all of them and sees all of them.
Tells the CPU time of each document, and of the hostile documents that take longest to be refused,
and fails when one needs more than the limit.
"""

import asyncio
import gc
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from operator import itemgetter

import click
from graphql import get_introspection_query

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


async def fill(size: int) -> User:
    root = await User.create(username="root", password_hash="", is_superuser=True)
    await User.bulk_create([User(username=f"user{n}", password_hash="") for n in range(size - 1)])
    await Group.bulk_create([Group(name=f"group{n}") for n in range(size)])
    await WebApp.bulk_create([WebApp(name=f"app{n}", link_show=True) for n in range(size)])
    groups, apps, users = await Group.all(), await WebApp.all(), await User.all()
    await Grant.bulk_create([Grant(group=group, webapp=app) for group in groups for app in apps])
    await Membership.bulk_create(
        [Membership(group=group, user=user) for group in groups for user in users]
    )
    return root


async def measure(executor: Executor, portal: Portal, user: User, document: str) -> float:
    """CPU seconds."""
    prepared = executor.prepare(document)
    session = Session(user=user, scopes=None)
    started = time.process_time()
    result = await executor.execute(prepared, Context(portal.services, Actor(session)))
    if result.errors:
        raise click.ClickException(str(result.errors[0]))
    return time.process_time() - started


async def measure_hostile(executor: Executor, portal: Portal, document: str) -> float:
    """CPU seconds until it is refused, or answered."""
    started = time.process_time()
    with suppress(InvalidDocument):
        prepared = executor.prepare(document)
        await executor.execute(prepared, Context(portal.services, Actor(None)))
    return time.process_time() - started


async def run(size: int, limit: float, hostile_limit: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite://{folder}/portal.sqlite3")
        database = Database(settings.database_url)
        await database.open()
        await database.migrate()
        user = await fill(size)
        await database.close()
        portal = Portal(settings, clock=lambda: datetime.now(UTC))
        await portal.open()
        executor = make_executor(settings, build_schema())
        # What the portal itself keeps is no document's fault
        gc.collect()
        gc.freeze()
        seconds = {
            name: await measure(executor, portal, user, document)
            for name, document in DOCUMENTS.items()
        }
        hostile = {
            name: await measure_hostile(executor, portal, document)
            for name, document in HOSTILE.items()
        }
        await portal.close()
    tell(seconds, limit)
    click.echo("\nhostile:")
    tell(dict(sorted(hostile.items(), key=itemgetter(1), reverse=True)[:SHOWN]), hostile_limit)


def tell(seconds: dict[str, float], limit: float) -> None:
    for name, needed in seconds.items():
        click.echo(f"{name:<40}{needed * 1000:6.0f} ms")
    if max(seconds.values()) > limit:
        raise click.ClickException(f"one document needs more than {limit} s")


@click.command(help=__doc__)
@click.option("--size", default=200, show_default=True)
@click.option("--limit", default=1.0, show_default=True, help="Allowed CPU seconds.")
@click.option("--hostile-limit", default=0.2, show_default=True, help="The same, to be refused.")
def limits(size: int, limit: float, hostile_limit: float) -> None:
    asyncio.run(run(size, limit, hostile_limit))
