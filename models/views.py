from __future__ import annotations

from typing import Any

from tortoise.migrations.operations import CreateModel, TortoiseOperation
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State


class CreateView(CreateModel):
    """Gives a model a database view instead of a table."""

    def __init__(self, *, query: str, **model: Any) -> None:
        super().__init__(**model)
        self.query = query

    def describe(self) -> str:
        return f"Create view {self.name}"

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        if state_editor:
            await state_editor.client.execute_query(f"CREATE VIEW {self._view} AS {self.query}")

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        if state_editor:
            await state_editor.client.execute_query(f"DROP VIEW {self._view}")

    @property
    def _view(self) -> str:
        return f'"{self.model._meta.db_table}"'


class ReplaceView(TortoiseOperation):
    """Another query for the view of a model, with the same columns; `former` is the one so far."""

    def __init__(self, *, name: str, former: str, query: str) -> None:
        self.name = name
        self.former = former
        self.query = query

    def describe(self) -> str:
        return f"Replace view {self.name}"

    def state_forward(self, app_label: str, state: State) -> None:
        """The model stays as it is."""

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await self._replace(self.query, new_state, app_label, state_editor)

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await self._replace(self.former, new_state, app_label, state_editor)

    async def _replace(
        self, query: str, state: State, app_label: str, editor: BaseSchemaEditor | None
    ) -> None:
        if editor:
            view = state.apps.get_model(f"{app_label}.{self.name}")._meta.db_table
            await editor.client.execute_query(f'DROP VIEW "{view}"')
            await editor.client.execute_query(f'CREATE VIEW "{view}" AS {query}')
