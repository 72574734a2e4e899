from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

from models.sessions import SignInMethod


class Migration(migrations.Migration):
    dependencies = [("models", "0007_versions")]

    operations = [
        ops.AlterField(
            model_name="Session",
            name="method",
            field=fields.CharEnumField(
                description="PASSWORD: PASSWORD\nGOOGLE: GOOGLE\nTOKEN: TOKEN",
                enum_type=SignInMethod,
                max_length=8,
            ),
        ),
        ops.AlterField(
            model_name="Session",
            name="last_used_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Session", name="name", field=fields.CharField(default="", max_length=100)
        ),
        ops.AddField(
            model_name="Session",
            name="scopes",
            field=fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads),
        ),
        ops.AddField(
            model_name="Session",
            name="token_hash",
            field=fields.CharField(null=True, unique=True, max_length=64),
        ),
    ]
