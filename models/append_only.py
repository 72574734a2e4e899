"""Tables whose rows are only added: the database itself refuses anything else."""

from __future__ import annotations

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.operations import TortoiseOperation
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

SQLITE_TRIGGERS = {
    "no_update": ("UPDATE", ""),
    "no_delete": ("DELETE", ""),
    # INSERT OR REPLACE deletes without firing the trigger on DELETE
    "no_replace": ("INSERT", 'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE "id" = NEW."id")'),
}
POSTGRES_FUNCTION = """
    CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$
"""


async def seal(connection: BaseDBAsyncClient, table: str) -> None:
    """From now on, changing, deleting and replacing rows raises IntegrityError."""
    await unseal(connection, table)
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query(POSTGRES_FUNCTION)
        await connection.execute_query(
            f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE'
            f' ON "{table}" FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()'
        )
        return
    for name, (event, condition) in SQLITE_TRIGGERS.items():
        await connection.execute_query(
            f'CREATE TRIGGER "{table}_{name}" BEFORE {event} ON "{table}"'
            f" {condition.format(table=table)}"
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


async def unseal(connection: BaseDBAsyncClient, table: str) -> None:
    """For whoever prunes the table: in one transaction with `seal`."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query(f'DROP TRIGGER IF EXISTS "{table}_append_only" ON "{table}"')
        return
    for name in SQLITE_TRIGGERS:
        await connection.execute_query(f'DROP TRIGGER IF EXISTS "{table}_{name}"')


class Seal(TortoiseOperation):
    """Makes a table append-only, by whatever that takes now."""

    def __init__(self, *, table: str) -> None:
        self.table = table

    def describe(self) -> str:
        return f"Make {self.table} append-only"

    def state_forward(self, app_label: str, state: State) -> None:
        """The model stays as it is."""

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        if state_editor:
            await seal(state_editor.client, self.table)

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        if state_editor:
            await unseal(state_editor.client, self.table)
