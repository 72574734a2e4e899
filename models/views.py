from __future__ import annotations

from typing import Any

from tortoise.migrations.operations import CreateModel
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
            await state_editor.client.execute_script(f"CREATE VIEW {self._view} AS {self.query}")

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        if state_editor:
            await state_editor.client.execute_script(f"DROP VIEW {self._view}")

    @property
    def _view(self) -> str:
        return f'"{self.model._meta.db_table}"'
