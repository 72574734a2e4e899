"""The database: connections, migrations, locks, and the one order of texts for both dialects.

SQLite and PostgreSQL are supported. Tortoise finds its models in `MODULES` and the SQLite client of
this module through `client_class`.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
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
from tortoise.log import db_client_logger as logger
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from models.search import create_search_indexes

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
MODULES = [f"models.{noun}" for noun in NOUNS]
IN_MEMORY = ":memory:"
READER_TIMEOUT = 1.0  # seconds; needed only while SQLite recovers its log after a crash

# Keys of advisory locks in PostgreSQL: arbitrary numbers that no other lock uses.
MIGRATION_LOCK = 0x6B756265
WRITE_LOCK = 0x7475726E


class Database:
    """The connections to one database; `activate()` makes the models of the current task use it."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Tortoise caches SQL per connection name, so each dialect needs its own name.
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
        """Tortoise finds its connections in a context variable, not through an argument."""
        _current_context.set(self._context)

    async def ping(self) -> None:
        await self.connection.execute_query("SELECT 1")

    async def migrate(self) -> list[str]:
        """Apply missing migrations in one transaction, one process at a time.

        Returns the names of the applied migrations.
        """
        applied: list[str] = []

        def progress(event: str, app: str, name: str) -> None:
            if event == "apply_done":
                applied.append(f"{app}.{name}")

        async with self._migration_lock(), in_transaction() as connection:
            if connection.capabilities.dialect == "postgres":
                await _lock_advisory(connection, MIGRATION_LOCK)
            executor = await self._transactional_executor(connection)
            await executor.migrate(progress=progress)
            await create_search_indexes(connection)
        return applied

    async def _transactional_executor(self, connection: BaseDBAsyncClient) -> MigrationExecutor:
        executor = MigrationExecutor(connection, self.config["apps"])
        executor.recorder = executor.loader.recorder = TransactionalRecorder(connection)
        # Looking for a missing table of migrations would abort the transaction in PostgreSQL.
        await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
        return executor

    async def is_migrated(self) -> bool:
        executor = MigrationExecutor(self.connection, self.config["apps"])
        return not await executor.plan()

    async def is_empty(self) -> bool:
        """Whether no migration was ever applied. Does not create a missing SQLite file."""
        if self.sqlite_path and not self.sqlite_path.exists():
            return True
        await self.open()
        try:
            await self.ping()
            return not await MigrationRecorder(self.connection).applied_migrations()
        finally:
            await self.close()

    @asynccontextmanager
    async def _migration_lock(self) -> AsyncIterator[None]:
        """Locks a file next to an SQLite database, whose own locks fail instead of waiting."""
        if self.sqlite_path is None:
            yield
            return
        file = self.sqlite_path.with_name(f"{self.sqlite_path.name}-lock")
        create_private_file(file)
        with file.open("w") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield


def create_private_file(file: Path) -> None:
    """Create an empty file that only its owner may read, unless it exists.

    SQLite gives its write-ahead log the mode of the database. Other errors are left to the caller
    that opens the file.
    """
    # Not opened if it exists: closing it would release the locks of SQLite's own connections
    with suppress(OSError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def current_connection() -> BaseDBAsyncClient:
    """That of the database which the current task has activated, or of its transaction."""
    context = _current_context.get()
    if context is None:
        raise RuntimeError("no database is activated")
    return context.db()


class TransactionalRecorder(MigrationRecorder):
    """Creates the table of migrations within the transaction.

    Tortoise creates it with `executescript`, which commits the transaction first in SQLite.
    """

    async def ensure_schema(self, schema_editor: BaseSchemaEditor) -> None:
        table = schema_editor._get_model_sql_data(self.model).table_sql
        statement = table.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1)
        await schema_editor.client.execute_query(statement)


class SqliteClient(TortoiseClient):
    """Makes `icontains`, which compares `UPPER` of both sides, work beyond ASCII.

    `reader` reads in the event loop; a database in memory has none.
    """

    reader: SqliteReader | None = None

    async def create_connection(self, with_db: bool) -> None:
        if self.filename != IN_MEMORY:
            create_private_file(Path(self.filename))
        await super().create_connection(with_db)

    async def _post_connect(self) -> None:
        await super()._post_connect()
        if self._connection:
            await self._connection.create_function("UPPER", 1, _upper, deterministic=True)
        if self.filename != IN_MEMORY:
            self.reader = SqliteReader(self.filename)

    async def close(self) -> None:
        if self.reader:
            self.reader.close()
        await super().close()


class SqliteReader:
    """A connection for statements that take less time than the way to Tortoise's thread and back.

    They take 15 instead of 100 µs, and wait for no transaction of this process: with a write-ahead
    log, readers see what was committed before.
    """

    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, timeout=READER_TIMEOUT)

    def fetch(self, statement: str, values: Mapping[str, Any]) -> list[Any]:
        """Raises OperationalError, as Tortoise does."""
        logger.debug("%s: %s", statement, values)
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            raise OperationalError(error) from error

    def close(self) -> None:
        self._connection.close()


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


client_class = SqliteClient


class DatabaseBusy(Exception):
    """Other transactions hold the write lock for too long; nothing was changed."""


async def acquire_write_lock(connection: BaseDBAsyncClient) -> None:
    """Wait for the lock that serialises writing transactions, and hold it until this one ends.

    It has to be the first statement of the transaction. Raises DatabaseBusy.
    """
    if connection.capabilities.dialect == "postgres":
        await _lock_advisory(connection, WRITE_LOCK)
        return
    # A transaction of SQLite that has read fails to become a writing one, without waiting, when
    # another one has written since. So the first statement writes: nothing, as no row matches.
    try:
        await connection.execute_query("UPDATE users SET id = id WHERE FALSE")
    except OperationalError as error:
        raise DatabaseBusy from error


async def lock_rows(rows: QuerySet[Any]) -> bool:
    """Lock these rows until the end of the transaction; returns whether there are any.

    An UPDATE instead of SELECT … FOR UPDATE, so that an SQLite transaction waits here too.
    """
    return bool(await rows.update(version=F("version")))


async def _lock_advisory(connection: BaseDBAsyncClient, key: int) -> None:
    await connection.execute_query("SELECT pg_advisory_xact_lock($1)", [key])


def is_busy(error: BaseException | None) -> bool:
    """Whether SQLite gave up waiting for another transaction that writes."""
    cause = error.args[0] if isinstance(error, OperationalError) and error.args else None
    return (
        isinstance(cause, sqlite3.OperationalError) and primary_code(cause) == sqlite3.SQLITE_BUSY
    )


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code: the lowest byte of the extended one."""
    return error.sqlite_errorcode & 0xFF


class _Alphabetical(SqlFunction):
    def __init__(self, text: object) -> None:
        super().__init__("LOWER", text)

    def get_function_sql(self, ctx: SqlContext) -> str:
        return alphabetical_sql(self.get_arg_sql(self.args[0], ctx), ctx.dialect.value)


class Alphabetical(Function):
    """The sort key of a text: ASCII letters without their case, all others by code point.

    The collation of a PostgreSQL server is the choice of its operator, and SQLite has no similar
    one. This order is the same in both, whatever the operator chose.
    """

    database_func = _Alphabetical


def alphabetical_sql(text: str, dialect: str) -> str:
    """Also the expression of the indexes for this order."""
    collation = ' COLLATE "C"' if dialect.startswith("postgres") else ""
    return f"LOWER({text}{collation})"


# Not the first day of the year 1, which asyncpg sends as -infinity
NEVER = datetime(1, 1, 2, tzinfo=UTC)


class _Chronological(SqlFunction):
    def __init__(self, date_time: object) -> None:
        super().__init__("COALESCE", date_time)

    def get_function_sql(self, ctx: SqlContext) -> str:
        return chronological_sql(self.get_arg_sql(self.args[0], ctx))


class Chronological(Function):
    """The sort key of a date and time that may be null: NEVER is before all others."""

    database_func = _Chronological


def chronological_sql(date_time: str) -> str:
    """Also the expression of the index for this order."""
    return f"COALESCE({date_time}, '{NEVER}')"
