from __future__ import annotations

from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor.base import BaseSchemaEditor


class TransactionalRecorder(MigrationRecorder):
    """Makes its table without a script, before which SQLite commits whatever was begun."""

    async def ensure_schema(self, schema_editor: BaseSchemaEditor) -> None:
        table = schema_editor._get_model_sql_data(self.model).table_sql
        statement = table.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1)
        await schema_editor.client.execute_query(statement)
