from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

from models.legacy import LegacyKind
from models.webapps import WebAppCategory


class Migration(migrations.Migration):
    dependencies = [("models", "0003_credential_issues")]

    operations = [
        ops.AddField(
            model_name="User",
            name="comments",
            field=fields.CharField(null=True, max_length=1000),
        ),
        ops.AddField(
            model_name="WebApp",
            name="category",
            field=fields.CharEnumField(
                null=True,
                description="GENERIC: GENERIC\nDOCUMENTATION: DOCUMENTATION\nCOMMUNICATION: COMMUNICATION\nKUBERNETES: KUBERNETES\nDEVELOPER: DEVELOPER\nDATABASE: DATABASE\nMONITORING: MONITORING",
                enum_type=WebAppCategory,
                max_length=13,
            ),
        ),
        ops.CreateModel(
            name="LegacyRow",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="USER: USER\nGROUP: GROUP\nWEBAPP: WEBAPP",
                        enum_type=LegacyKind,
                        max_length=6,
                    ),
                ),
                ("source_id", fields.BigIntField()),
                ("target_id", fields.IntField()),
                ("values", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "legacy_rows",
                "app": "models",
                "unique_together": (("kind", "source_id"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
    ]
