"""Tortoise's client for SQLite, which knows upper and lower case beyond ASCII.

`icontains` compares what `UPPER` makes of both sides, as PostgreSQL does.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pypika_tortoise.context import SqlContext
from pypika_tortoise.terms import Function as SqlFunction
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.backends.sqlite.client import SqliteClient as TortoiseClient
from tortoise.context import TortoiseContext, _current_context
from tortoise.exceptions import OperationalError
from tortoise.expressions import F, Function
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

PRIMARY_CODE = 0xFF


class SqliteClient(TortoiseClient):
    async def _post_connect(self) -> None:
        await super()._post_connect()
        if self._connection:
            await self._connection.create_function("UPPER", 1, _upper, deterministic=True)


def primary_code(error: sqlite3.Error) -> int:
    """What is wrong; SQLite's whole code says more exactly in which way."""
    return error.sqlite_errorcode & PRIMARY_CODE


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


client_class = SqliteClient


class TransactionalRecorder(MigrationRecorder):
    """Makes its table without a script, before which SQLite commits whatever was begun."""

    async def ensure_schema(self, schema_editor: BaseSchemaEditor) -> None:
        table = schema_editor._get_model_sql_data(self.model).table_sql
        statement = table.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1)
        await schema_editor.client.execute_query(statement)


APP = "models"
NOUNS = (
    "access",
    "audit",
    "clusters",
    "counters",
    "credentials",
    "groups",
    "legacy",
    "sessions",
    "users",
    "webapps",
)
IN_MEMORY = ":memory:"
MODULES = [f"models.{noun}" for noun in NOUNS]
MIGRATION_LOCK = 0x6B756265  # any number that nothing else in the database locks


class Database:
    """The connections to one database; `activate()` makes the models of this task use them."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Tortoise keeps SQL per connection name, so each dialect needs a name of its own
        self._name = url.partition(":")[0]
        self._context = TortoiseContext()

    @property
    def config(self) -> dict[str, Any]:
        return {
            "connections": {self._name: self._connection_config()},
            "apps": {
                APP: {
                    "models": MODULES,
                    "migrations": "models.migrations",
                    "default_connection": self._name,
                }
            },
        }

    def _connection_config(self) -> dict[str, Any]:
        config = expand_db_url(self.url)
        if config["engine"] == "tortoise.backends.sqlite":
            config["engine"] = __name__
        return config

    @property
    def sqlite_path(self) -> Path | None:
        credentials = self.config["connections"][self._name]["credentials"]
        path = credentials.get("file_path")
        return Path(path) if path and path != IN_MEMORY else None

    @property
    def connection(self) -> BaseDBAsyncClient:
        return self._context.db()

    async def open(self) -> None:
        self.activate()
        await self._context.init(config=self.config)

    async def close(self) -> None:
        await self._context.close_connections()

    def activate(self) -> None:
        """Tortoise finds its connections through the task's context, not through an argument."""
        _current_context.set(self._context)

    async def ping(self) -> None:
        await self.connection.execute_query("SELECT 1")

    async def migrate(self) -> list[str]:
        """Bring the schema up to date, all or nothing, one process at a time.

        Returns what was applied.
        """
        applied: list[str] = []

        def note(event: str, app: str, name: str) -> None:
            if event == "apply_done":
                applied.append(f"{app}.{name}")

        async with self._migration_lock(), in_transaction() as connection:
            await self._lock_postgres(connection)
            executor = MigrationExecutor(connection, self.config["apps"])
            executor.recorder = executor.loader.recorder = TransactionalRecorder(connection)
            # PostgreSQL would abort the transaction when the record of migrations is missing
            await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
            await executor.migrate(progress=note)
        return applied

    async def is_empty(self) -> bool:
        """Whether nothing was ever migrated; asking leaves no trace, not even an empty file."""
        if self.sqlite_path and not self.sqlite_path.exists():
            return True
        await self.open()
        try:
            await self.ping()
            return not await MigrationRecorder(self.connection).applied_migrations()
        finally:
            await self.close()

    async def is_migrated(self) -> bool:
        executor = MigrationExecutor(self.connection, self.config["apps"])
        return not await executor.plan()

    @asynccontextmanager
    async def _migration_lock(self) -> AsyncIterator[None]:
        if self.sqlite_path is None:
            yield
            return
        # beside -wal and -shm of SQLite itself
        with self.sqlite_path.with_name(f"{self.sqlite_path.name}-lock").open("w") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield

    async def _lock_postgres(self, connection: BaseDBAsyncClient) -> None:
        if connection.capabilities.dialect == "postgres":
            await connection.execute_query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK])


TURN_LOCK = 0x7475726E  # any number that nothing else in the database locks


class DatabaseBusy(Exception):
    """Others keep the database for too long; nothing was changed."""


def is_busy(error: BaseException | None) -> bool:
    """Whether SQLite has refused something as others write for longer than it waits."""
    cause = error.args[0] if isinstance(error, OperationalError) and error.args else None
    return (
        isinstance(cause, sqlite3.OperationalError) and primary_code(cause) == sqlite3.SQLITE_BUSY
    )


async def take_turn(connection: BaseDBAsyncClient) -> None:
    """Waits until nobody else has the turn, and keeps it until the transaction ends.

    It has to be the first statement of the transaction. Raises DatabaseBusy.
    """
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query("SELECT pg_advisory_xact_lock($1)", [TURN_LOCK])
        return
    try:  # SQLite waits for a turn to write only before the first statement that reads
        await connection.execute_query("UPDATE users SET id = id WHERE FALSE")
    except OperationalError as error:
        raise DatabaseBusy from error


async def hold(rows: QuerySet[Any]) -> bool:
    """Keeps others from changing these rows until the transaction ends; False where there are none.

    As it writes, it also is where a transaction of SQLite waits for its turn.
    """
    return bool(await rows.update(version=F("version")))


class _Alphabetical(SqlFunction):
    def __init__(self, text: object) -> None:
        super().__init__("LOWER", text)

    def get_function_sql(self, ctx: SqlContext) -> str:
        return alphabetical_sql(self.get_arg_sql(self.args[0], ctx), ctx.dialect.value)


class Alphabetical(Function):
    """What a text is ordered by: ASCII letters without their case, all else by code point.

    The collation of a PostgreSQL server is its operator's choice, and SQLite has none of
    its kind: what both can do is this.
    """

    database_func = _Alphabetical


def alphabetical_sql(text: str, dialect: str) -> str:
    collation = ' COLLATE "C"' if dialect.startswith("postgres") else ""
    return f"LOWER({text}{collation})"
