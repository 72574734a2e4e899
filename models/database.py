from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.context import TortoiseContext, _current_context
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.transactions import in_transaction

from models import sqlite
from models.recorder import TransactionalRecorder

APP = "models"
NOUNS = (
    "access",
    "audit",
    "clusters",
    "credentials",
    "groups",
    "legacy",
    "rest_usage",
    "sessions",
    "throttling",
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
            config["engine"] = sqlite.__name__
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
