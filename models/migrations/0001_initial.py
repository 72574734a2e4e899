from uuid import uuid4

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

from models.groups import GroupMembership
from models.sessions import SignInMethod
from models.users import AccessState
from models.views import CreateView

EFFECTIVE_MEMBERSHIPS = """
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


class Migration(migrations.Migration):
    initial = True

    operations = [
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
            ],
            options={"table": "groups", "app": "models", "pk_attr": "id"},
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
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                (
                    "last_login_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={"table": "users", "app": "models", "pk_attr": "id"},
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
                        description="PASSWORD: PASSWORD\nGOOGLE: GOOGLE",
                        enum_type=SignInMethod,
                        max_length=8,
                    ),
                ),
                ("address", fields.CharField(default="", max_length=45)),
                ("client", fields.CharField(default="", max_length=200)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_used_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "expires_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
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
        CreateView(
            name="EffectiveMembership",
            query=EFFECTIVE_MEMBERSHIPS,
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
    ]
