"""The whole schema. Tables come from the models; views, their own indexes and triggers do not."""

from uuid import uuid4

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

from models.access import AccessRequestState
from models.audit import AuditActor, AuditKind, AuditOutcome, AuditSubject, make_append_only
from models.credentials import CredentialKind
from models.database import alphabetical_sql
from models.groups import GroupMembership
from models.legacy import LegacyKind
from models.sessions import SignInMethod
from models.users import AccessState
from models.webapps import WebAppCategory

# SQLite compares timestamps as texts; both are in UTC and have the same format up to the second.
EFFECTIVE_MEMBERSHIPS = """
    CREATE VIEW effective_memberships AS
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
       AND (u.access_expires_at IS NULL OR u.access_expires_at > CURRENT_TIMESTAMP)
"""
ALPHABETICAL = [
    ("users", "username_key"),
    ("users", "last_name"),
    ("groups", "name"),
    ("webapps", "name"),
]


async def create_alphabetical_indexes(apps: StateApps, editor: BaseSchemaEditor) -> None:
    """Indexes for lists in the order of a text column, then of ids."""
    for table, column in ALPHABETICAL:
        key = alphabetical_sql(f'"{column}"', editor.DIALECT)
        await editor.client.execute_query(
            f'CREATE INDEX "idx_{table}_{column}_alphabetical" ON "{table}" ({key}, "id")'
        )


async def make_audit_log_append_only(apps: StateApps, editor: BaseSchemaEditor) -> None:
    await make_append_only(editor.client)


class Migration(migrations.Migration):
    initial = True

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
                ("details", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
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
        ops.CreateModel(
            name="Group",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                ("name", fields.CharField(unique=True, max_length=150)),
                ("can_admin", fields.BooleanField(default=False)),
                (
                    "membership",
                    fields.CharEnumField(
                        default=GroupMembership.MANUAL,
                        description="MANUAL: MANUAL\nALL_USERS: ALL_USERS\nCLUSTER_USERS: CLUSTER_USERS",
                        enum_type=GroupMembership,
                        max_length=13,
                    ),
                ),
                ("version", fields.IntField(default=1, db_default=1)),
            ],
            options={"table": "groups", "app": "models", "pk_attr": "id"},
            bases=["Model"],
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
            ],
            options={
                "table": "legacy_rows",
                "app": "models",
                "unique_together": (("kind", "source_id"), ("kind", "target_id")),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
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
        ops.CreateModel(
            name="ServiceAccount",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                ("cluster", fields.CharField(default="", max_length=253)),
                ("namespace", fields.CharField(max_length=63)),
                ("name", fields.CharField(max_length=253)),
            ],
            options={
                "table": "service_accounts",
                "app": "models",
                "unique_together": (("cluster", "namespace", "name"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                ("username", fields.CharField(max_length=150)),
                ("username_key", fields.CharField(unique=True, max_length=450)),
                ("first_name", fields.CharField(default="", max_length=150)),
                ("last_name", fields.CharField(default="", max_length=150)),
                ("primary_email", fields.CharField(null=True, max_length=254)),
                (
                    "alternative_emails",
                    fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads),
                ),
                ("password_hash", fields.CharField(null=True, max_length=255)),
                ("declared_password_hash", fields.CharField(null=True, max_length=255)),
                ("is_superuser", fields.BooleanField(default=False)),
                ("is_active", fields.BooleanField(default=True)),
                (
                    "access_state",
                    fields.CharEnumField(
                        default=AccessState.NEW,
                        description="NEW: NEW\nREQUESTED: REQUESTED\nREJECTED: REJECTED\nAPPROVED: APPROVED",
                        enum_type=AccessState,
                        max_length=9,
                    ),
                ),
                (
                    "service_account",
                    fields.ForeignKeyField(
                        "models.ServiceAccount",
                        source_field="service_account_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="users",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                (
                    "access_expires_at",
                    fields.DatetimeField(
                        null=True, db_index=True, auto_now=False, auto_now_add=False
                    ),
                ),
                ("comments", fields.CharField(null=True, max_length=1000)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                (
                    "last_login_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("version", fields.IntField(default=1, db_default=1)),
            ],
            options={
                "table": "users",
                "app": "models",
                "indexes": [Index(fields=["created_at", "id"])],
                "pk_attr": "id",
            },
            bases=["Model"],
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
                ("namespace_is_managed", fields.BooleanField(null=True)),
                (
                    "bindings_removed_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "remaining_bindings",
                    fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads),
                ),
            ],
            options={"table": "access_requests", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="BindingRemoval",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                ("key", fields.UUIDField(unique=True)),
                ("cluster", fields.CharField(max_length=253)),
                ("namespace", fields.CharField(max_length=63)),
                ("service_account", fields.CharField(max_length=253)),
                ("user_id", fields.IntField()),
                ("username", fields.CharField(max_length=150)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "binding_removals", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
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
        ops.CreateModel(
            name="EffectiveMembership",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=23),
                ),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="user_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="effective_memberships",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "group",
                    fields.ForeignKeyField(
                        "models.Group",
                        source_field="group_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="effective_memberships",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
            ],
            options={"table": "effective_memberships", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ExternalIdentity",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                ("provider", fields.CharField(max_length=50)),
                ("subject", fields.CharField(max_length=255)),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="user_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="external_identities",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
            ],
            options={
                "table": "external_identities",
                "app": "models",
                "unique_together": (("provider", "subject"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Membership",
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
                        db_constraint=True,
                        to_field="id",
                        related_name="memberships",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "group",
                    fields.ForeignKeyField(
                        "models.Group",
                        source_field="group_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="memberships",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
            ],
            options={
                "table": "memberships",
                "app": "models",
                "unique_together": (("user", "group"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="user_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="sessions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "method",
                    fields.CharEnumField(
                        description="PASSWORD: PASSWORD\nGOOGLE: GOOGLE\nTOKEN: TOKEN",
                        enum_type=SignInMethod,
                        max_length=8,
                    ),
                ),
                ("address", fields.CharField(default="", max_length=45)),
                ("client", fields.CharField(default="", max_length=200)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "last_used_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "expires_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
                ("name", fields.CharField(default="", max_length=100)),
                ("scopes", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("token_hash", fields.CharField(null=True, unique=True, max_length=64)),
            ],
            options={"table": "sessions", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="VerifiedEmail",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                ("address", fields.CharField(unique=True, max_length=254)),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="user_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="verified_emails",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
            ],
            options={"table": "verified_emails", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebApp",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                ("name", fields.CharField(unique=True, max_length=150)),
                ("link_name", fields.CharField(null=True, max_length=150)),
                ("link_url", fields.CharField(null=True, max_length=2000)),
                ("link_show", fields.BooleanField(default=False)),
                (
                    "category",
                    fields.CharEnumField(
                        null=True,
                        description="GENERIC: GENERIC\nDOCUMENTATION: DOCUMENTATION\nCOMMUNICATION: COMMUNICATION\nKUBERNETES: KUBERNETES\nDEVELOPER: DEVELOPER\nDATABASE: DATABASE\nMONITORING: MONITORING",
                        enum_type=WebAppCategory,
                        max_length=13,
                    ),
                ),
                ("version", fields.IntField(default=1, db_default=1)),
            ],
            options={"table": "webapps", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Grant",
            fields=[
                (
                    "id",
                    fields.IntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                (
                    "group",
                    fields.ForeignKeyField(
                        "models.Group",
                        source_field="group_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="grants",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "webapp",
                    fields.ForeignKeyField(
                        "models.WebApp",
                        source_field="webapp_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="grants",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
            ],
            options={
                "table": "grants",
                "app": "models",
                "unique_together": (("group", "webapp"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        # Tortoise knows no views: the table of this model makes way for one.
        ops.RunSQL('DROP TABLE "effective_memberships"'),
        ops.RunSQL(EFFECTIVE_MEMBERSHIPS),
        # Not RunSQL: these statements differ by dialect, and on SQLite it splits its text at each
        # semicolon, also at those inside a trigger.
        ops.RunPython(create_alphabetical_indexes),
        ops.RunPython(make_audit_log_append_only),
    ]
