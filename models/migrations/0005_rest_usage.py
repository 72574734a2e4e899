from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0004_legacy_imports")]

    operations = [
        ops.CreateModel(
            name="RestUsage",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                ("method", fields.CharField(max_length=10)),
                ("route", fields.CharField(max_length=200)),
                ("document", fields.CharField(max_length=200)),
                ("client", fields.CharField(max_length=200)),
                ("count", fields.BigIntField()),
                ("first_seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "rest_usage",
                "app": "models",
                "unique_together": (("method", "route", "document", "client"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
    ]
