from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from models.credentials import CredentialKind


class Migration(migrations.Migration):
    dependencies = [("models", "0002_access_requests")]

    operations = [
        ops.CreateModel(
            name="CredentialIssue",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="user_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="credential_issues",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("username", fields.CharField(max_length=150)),
                ("session_id", fields.UUIDField()),
                (
                    "kind",
                    fields.CharEnumField(
                        description="TOKEN: TOKEN\nKUBECONFIG: KUBECONFIG\nEXEC: EXEC",
                        enum_type=CredentialKind,
                        max_length=10,
                    ),
                ),
                ("cluster", fields.CharField(max_length=253)),
                ("namespace", fields.CharField(max_length=63)),
                ("service_account", fields.CharField(max_length=253)),
                ("fingerprint", fields.CharField(max_length=64)),
                ("address", fields.CharField(max_length=45)),
                ("client", fields.CharField(max_length=200)),
                ("issued_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "credential_issues",
                "app": "models",
                "unique_together": (("fingerprint", "session_id", "kind", "address"),),
                "indexes": [Index(fields=["user_id", "id"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
    ]
