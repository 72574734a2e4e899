"""The order of texts, the same on every database."""

from __future__ import annotations

from pypika_tortoise.context import SqlContext
from pypika_tortoise.terms import Function as SqlFunction
from tortoise.expressions import Function
from tortoise.migrations.operations import TortoiseOperation
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State


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


class IndexAlphabetically(TortoiseOperation):
    """An index for lists in the order of a text column, then of ids."""

    def __init__(self, *, table: str, column: str) -> None:
        self.table = table
        self.column = column

    @property
    def _name(self) -> str:
        return f"idx_{self.table}_{self.column}_alphabetical"

    def describe(self) -> str:
        return f"Index {self.table} by {self.column} alphabetically"

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
            key = alphabetical_sql(f'"{self.column}"', state_editor.DIALECT)
            await state_editor.client.execute_query(
                f'CREATE INDEX "{self._name}" ON "{self.table}" ({key}, "id")'
            )

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        if state_editor:
            await state_editor.client.execute_query(f'DROP INDEX "{self._name}"')
