from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0005_rest_usage")]

    operations = [
        ops.CreateModel(
            name="AttemptCount",
            fields=[
                (
                    "key",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=128),
                ),
                ("count", fields.IntField()),
                ("ends_at", fields.BigIntField(db_index=True)),
            ],
            options={"table": "attempt_counts", "app": "models", "pk_attr": "key"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="FamiliarAddress",
            fields=[
                (
                    "key",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=128),
                ),
                ("ends_at", fields.BigIntField(db_index=True)),
            ],
            options={"table": "familiar_addresses", "app": "models", "pk_attr": "key"},
            bases=["Model"],
        ),
    ]
