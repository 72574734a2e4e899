"""Tables whose rows are only added: the database itself refuses anything else."""

from __future__ import annotations

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.operations import TortoiseOperation
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

SQLITE_EVENTS = ("UPDATE", "DELETE")
POSTGRES_FUNCTION = """
    CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$
"""


async def seal(connection: BaseDBAsyncClient, table: str) -> None:
    """From now on, changing and deleting rows raises IntegrityError."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query(POSTGRES_FUNCTION)
        await connection.execute_query(
            f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE'
            f' ON "{table}" FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()'
        )
        return
    for event in SQLITE_EVENTS:
        await connection.execute_query(
            f'CREATE TRIGGER "{table}_no_{event.lower()}" BEFORE {event} ON "{table}"'
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


async def unseal(connection: BaseDBAsyncClient, table: str) -> None:
    """For whoever prunes the table: in one transaction with `seal`."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query(f'DROP TRIGGER "{table}_append_only" ON "{table}"')
        return
    for event in SQLITE_EVENTS:
        await connection.execute_query(f'DROP TRIGGER "{table}_no_{event.lower()}"')


class Seal(TortoiseOperation):
    """Makes a table append-only."""

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
