from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.access import AccessRequestState
from models.views import ReplaceView

UNLIMITED_MEMBERSHIPS = """
    SELECT m.user_id || '-' || m.group_id AS id, m.user_id, m.group_id
      FROM memberships m JOIN "groups" g ON g.id = m.group_id
     WHERE g.membership = 'MANUAL'
    UNION ALL
    SELECT u.id || '-' || g.id, u.id, g.id
      FROM users u CROSS JOIN "groups" g
     WHERE g.membership = 'ALL_USERS'
    UNION ALL
    SELECT u.id || '-' || g.id, u.id, g.id
      FROM users u CROSS JOIN "groups" g
     WHERE g.membership = 'CLUSTER_USERS'
       AND u.access_state = 'APPROVED' AND u.service_account_id IS NOT NULL
"""
# SQLite compares texts here: both are in UTC and alike up to the second
EFFECTIVE_MEMBERSHIPS = f"""{UNLIMITED_MEMBERSHIPS}
       AND (u.access_expires_at IS NULL OR u.access_expires_at > CURRENT_TIMESTAMP)
"""


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]

    operations = [
        ops.AddField(
            model_name="User",
            name="access_expires_at",
            field=fields.DatetimeField(
                null=True, db_index=True, auto_now=False, auto_now_add=False
            ),
        ),
        ReplaceView(
            name="EffectiveMembership",
            former=UNLIMITED_MEMBERSHIPS,
            query=EFFECTIVE_MEMBERSHIPS,
        ),
        ops.CreateModel(
            name="AccessRequest",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                ("key", fields.UUIDField(default=uuid4, unique=True)),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="user_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="access_requests",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "state",
                    fields.CharEnumField(
                        default=AccessRequestState.OPEN,
                        db_index=True,
                        description="OPEN: OPEN\nAPPROVED: APPROVED\nREJECTED: REJECTED\nREVOKED: REVOKED\nEXPIRED: EXPIRED",
                        enum_type=AccessRequestState,
                        max_length=8,
                    ),
                ),
                ("reason", fields.CharField(default="", max_length=1000)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "decided_by",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="decided_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="access_decisions",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("decision_reason", fields.CharField(default="", max_length=1000)),
                (
                    "service_account",
                    fields.ForeignKeyField(
                        "models.ServiceAccount",
                        source_field="service_account_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="access_requests",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "ended_by",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="ended_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="access_withdrawals",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("end_reason", fields.CharField(default="", max_length=1000)),
            ],
            options={"table": "access_requests", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
    ]
