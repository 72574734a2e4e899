"""Fills an empty database with users, groups, web apps and their history.

    python -m bench data sqlite:///tmp/large.sqlite3 --users 100000

The rows are the same in every run. User 1 is a superuser, group 1 has ALL_USERS, group 2
CLUSTER_USERS, and group 3 the administrators. Every password is PASSWORD.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeAlias
from uuid import UUID

import click

from auth.passwords import Passwords
from models import Database, User, username_key

PASSWORD = "bench of the portal"  # noqa: S105
BATCH = 20_000
FIRST_MANUAL = 3
ADMINISTRATORS = 10
START = datetime(2024, 1, 1, tzinfo=UTC)
GIVEN = ("Ada", "Émile", "Grace", "Jürgen", "Linus", "María", "Noor", "Søren", "Tim", "Zoë")
FAMILY = ("Anders", "de-Vries", "García", "Hopper", "Kowalski", "Lovelace", "Müller", "Nguyễn")
CHANGED = '{"fields": ["lastName"]}'
Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Sizes:
    """The number of rows: of memberships, sessions and history per user, of grants per group."""

    users: int = 100
    groups: int = 20
    webapps: int = 100
    memberships: int = 10
    grants: int = 5
    sessions: int = 1
    access_requests: int = 1
    credentials: int = 2
    events: int = 5


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: str
    rows: Iterator[Row]
    count: int


def tables(sizes: Sizes, password_hash: str) -> list[Table]:
    """In an order in which each row refers to earlier ones. The database numbers rows from 1."""
    users = sizes.users
    return [
        Table("service_accounts", "cluster namespace name", _accounts(sizes), users),
        Table(
            "users",
            "username username_key first_name last_name primary_email alternative_emails"
            " password_hash is_superuser is_active access_state service_account_id created_at"
            " last_login_at",
            _users(sizes, password_hash),
            users,
        ),
        Table("groups", "name can_admin membership", _groups(sizes), sizes.groups),
        Table("webapps", "name link_name link_url link_show", _webapps(sizes), sizes.webapps),
        Table("memberships", "user_id group_id", _memberships(sizes), users * sizes.memberships),
        Table("grants", "group_id webapp_id", _grants(sizes), sizes.groups * sizes.grants),
        Table(
            "sessions",
            "id user_id method address client created_at last_used_at expires_at name",
            _sessions(sizes),
            users * sizes.sessions,
        ),
        Table(
            "access_requests",
            "key user_id state reason created_at decision_reason end_reason remaining_bindings",
            _access_requests(sizes),
            users * sizes.access_requests,
        ),
        Table(
            "credential_issues",
            "user_id username session_id kind cluster namespace service_account fingerprint address"
            " client issued_at",
            _credential_issues(sizes),
            users * sizes.credentials,
        ),
        Table(
            "audit_events",
            "happened_at kind outcome actor_type actor_id actor_name subject_type subject_id"
            " subject_name address client request_id details",
            _audit_events(sizes),
            users * sizes.events,
        ),
    ]


def username(number: int) -> str:
    return f"{GIVEN[number % len(GIVEN)]}.{FAMILY[number % len(FAMILY)]}{number}"


def fingerprint(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _accounts(sizes: Sizes) -> Iterator[Row]:
    for number in range(1, sizes.users + 1):
        yield "", f"team-{number}", "default"


def _users(sizes: Sizes, password_hash: str) -> Iterator[Row]:
    for number in range(1, sizes.users + 1):
        name, has_access = username(number), number % 2 == 1
        yield (
            name,
            username_key(name),
            GIVEN[number % len(GIVEN)],
            FAMILY[number % len(FAMILY)],
            f"user{number}@example.org",
            f'["user{number}@alt.example.org"]',
            password_hash,
            number == 1,
            number % 20 != 0,
            "APPROVED" if has_access else "NEW",
            number if has_access else None,
            _at(number),
            _at(number) if number % 3 else None,
        )


def _groups(sizes: Sizes) -> Iterator[Row]:
    yield "Everyone", False, "ALL_USERS"
    yield "Cluster users", False, "CLUSTER_USERS"
    yield "Administrators", True, "MANUAL"
    for number in range(4, sizes.groups + 1):
        yield f"Group {number}", False, "MANUAL"


def _webapps(sizes: Sizes) -> Iterator[Row]:
    for number in range(1, sizes.webapps + 1):
        yield f"App {number}", f"App {number}", f"https://app{number}.example.org/", True


def _memberships(sizes: Sizes) -> Iterator[Row]:
    """Ten administrators; every user in neighbouring groups beyond theirs."""
    manual = sizes.groups - FIRST_MANUAL
    for number in range(1, sizes.users + 1):
        own = [FIRST_MANUAL] if number <= ADMINISTRATORS else []
        others = (FIRST_MANUAL + 1 + (number + step) % manual for step in range(sizes.memberships))
        for group in [*own, *others][: sizes.memberships]:
            yield number, group


def _grants(sizes: Sizes) -> Iterator[Row]:
    for group in range(1, sizes.groups + 1):
        for step in range(sizes.grants):
            yield group, 1 + (group * sizes.grants + step) % sizes.webapps


def _sessions(sizes: Sizes) -> Iterator[Row]:
    expiry = datetime.now(UTC) + timedelta(days=1)
    for number in range(sizes.users * sizes.sessions):
        created = expiry - timedelta(days=1, seconds=number % 3600)
        user, key = 1 + number % sizes.users, UUID(int=number + 1)
        yield key, user, "PASSWORD", "192.0.2.1", "bench", created, created, expiry, ""


def _access_requests(sizes: Sizes) -> Iterator[Row]:
    states = ("REVOKED", "APPROVED", "EXPIRED", "REJECTED")
    for number in range(sizes.users * sizes.access_requests):
        state = states[number % len(states)] if number % 100 else "OPEN"
        user, key = 1 + number % sizes.users, UUID(int=number + 1)
        yield key, user, state, "For my thesis", _at(number), "", "", "[]"


def _credential_issues(sizes: Sizes) -> Iterator[Row]:
    for number in range(sizes.users * sizes.credentials):
        user = 1 + number % sizes.users
        yield (
            user,
            username(user),
            UUID(int=user),
            "KUBECONFIG",
            "production",
            f"team-{user}",
            "default",
            fingerprint(number),
            "192.0.2.1",
            "bench",
            _at(number),
        )


def _audit_events(sizes: Sizes) -> Iterator[Row]:
    for number in range(sizes.users * sizes.events):
        user, is_change = 1 + number % sizes.users, number % 5 == 0
        yield (
            _at(number),
            "USER_CHANGED" if is_change else "SIGN_IN",
            "REFUSED" if number % 50 == 0 else "SUCCEEDED",
            "USER",
            1 if is_change else user,
            username(1 if is_change else user),
            "User",
            user,
            username(user),
            "192.0.2.1",
            "bench",
            "",
            CHANGED if is_change else "{}",
        )


def _at(number: int) -> datetime:
    return START + timedelta(seconds=37 * number)


async def fill(database: Database, sizes: Sizes) -> None:
    """Fills an open, migrated database. Raises click.UsageError for one that has users."""
    if await User.exists():
        raise click.UsageError("The database has users already: name an empty one.")
    password_hash = await Passwords().hash(PASSWORD)
    for table in tables(sizes, password_hash):
        with click.progressbar(length=table.count, label=f"{table.name:<18}") as bar:
            while batch := list(islice(table.rows, BATCH)):
                await _insert(database, table, batch)
                bar.update(len(batch))
    if database.sqlite_path is None:
        # What autovacuum does to a database that lives
        await database.connection.execute_query("VACUUM ANALYZE")


async def _insert(database: Database, table: Table, batch: list[Row]) -> None:
    columns = table.columns.split()
    if database.sqlite_path is None:
        async with database.connection.acquire_connection() as connection:
            await connection.copy_records_to_table(table.name, columns=columns, records=batch)
        return
    marks = ", ".join("?" * len(columns))
    statement = f'INSERT INTO "{table.name}" ({", ".join(columns)}) VALUES ({marks})'  # noqa: S608
    rows = [[_as_sqlite(value) for value in row] for row in batch]
    await database.connection.execute_many(statement, rows)


def _as_sqlite(value: Any) -> Any:
    return str(value) if isinstance(value, datetime | UUID) else value


async def create(url: str, sizes: Sizes) -> None:
    database = Database(url)
    await database.open()
    await database.migrate()
    await fill(database, sizes)
    await database.close()


@click.command(help=__doc__)
@click.argument("url", metavar="DATABASE_URL")
@click.option("--users", default=100_000, show_default=True)
@click.option("--groups", default=2_000, show_default=True)
@click.option("--webapps", default=1_000, show_default=True)
@click.option("--memberships", default=10, show_default=True, help="Of each user.")
@click.option("--grants", default=5, show_default=True, help="Of each group.")
@click.option("--sessions", default=1, show_default=True, help="Of each user.")
@click.option("--access-requests", default=1, show_default=True, help="Of each user.")
@click.option("--credentials", default=2, show_default=True, help="Of each user.")
@click.option("--events", default=5, show_default=True, help="Of each user.")
def data(url: str, **sizes: int) -> None:
    asyncio.run(create(url, Sizes(**sizes)))
