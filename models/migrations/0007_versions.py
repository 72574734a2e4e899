from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from models.database import IndexAlphabetically


class Migration(migrations.Migration):
    dependencies = [("models", "0006_throttling")]

    operations = [
        ops.AddField(
            model_name="User", name="version", field=fields.IntField(default=1, db_default=1)
        ),
        ops.AddField(
            model_name="Group", name="version", field=fields.IntField(default=1, db_default=1)
        ),
        ops.AddField(
            model_name="WebApp", name="version", field=fields.IntField(default=1, db_default=1)
        ),
        IndexAlphabetically(table="users", column="username_key"),
        IndexAlphabetically(table="users", column="last_name"),
        ops.AddIndex(model_name="User", index=Index(fields=["created_at", "id"])),
        IndexAlphabetically(table="groups", column="name"),
        IndexAlphabetically(table="webapps", column="name"),
    ]
