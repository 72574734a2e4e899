from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from models.audit import AuditActor, AuditKind, AuditOutcome, AuditSubject, Seal


class Migration(migrations.Migration):
    dependencies = [("models", "0008_personal_access_tokens")]

    operations = [
        ops.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                (
                    "happened_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=True),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="What happened", enum_type=AuditKind, max_length=24
                    ),
                ),
                (
                    "outcome",
                    fields.CharEnumField(
                        description="SUCCEEDED: SUCCEEDED\nREFUSED: REFUSED\nTHROTTLED: THROTTLED",
                        enum_type=AuditOutcome,
                        max_length=9,
                    ),
                ),
                (
                    "actor_type",
                    fields.CharEnumField(
                        description="USER: USER\nOPERATOR: OPERATOR\nNOBODY: NOBODY",
                        enum_type=AuditActor,
                        max_length=8,
                    ),
                ),
                ("actor_id", fields.IntField(null=True)),
                ("actor_name", fields.CharField(default="", max_length=150)),
                (
                    "subject_type",
                    fields.CharEnumField(
                        null=True,
                        description="USER: User\nGROUP: Group\nWEBAPP: WebApp",
                        enum_type=AuditSubject,
                        max_length=6,
                    ),
                ),
                ("subject_id", fields.IntField(null=True)),
                ("subject_name", fields.CharField(default="", max_length=150)),
                ("address", fields.CharField(default="", max_length=45)),
                ("client", fields.CharField(default="", max_length=200)),
                ("request_id", fields.CharField(default="", max_length=32)),
                (
                    "details",
                    fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads),
                ),
            ],
            options={
                "table": "audit_events",
                "app": "models",
                "indexes": [
                    Index(fields=["actor_id", "id"]),
                    Index(fields=["subject_type", "subject_id", "id"]),
                    Index(fields=["kind", "id"]),
                    Index(fields=["outcome", "id"]),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        Seal(table="audit_events"),
    ]
