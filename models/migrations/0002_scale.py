"""Indexes for portals with many users, and a view of memberships that uses them."""

from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

from models.database import chronological_sql

REMOVED = {
    "AuditEvent": [
        ["actor_id", "id"],
        ["subject_type", "subject_id", "id"],
        ["kind", "id"],
        ["outcome", "id"],
    ]
}
ADDED = {
    "AccessRequest": [["state", "id"], ["decided_by_id"], ["ended_by_id"]],
    "AuditEvent": [
        ["actor_type", "happened_at", "id"],
        ["actor_id", "happened_at", "id"],
        ["subject_type", "subject_id", "happened_at", "id"],
        ["kind", "happened_at", "id"],
        ["outcome", "happened_at", "id"],
    ],
    "ExternalIdentity": [["user_id"]],
    "Grant": [["webapp_id", "group_id"]],
    "Group": [["can_admin", "id"], ["membership", "id"]],
    "Membership": [["group_id", "user_id"]],
    "Session": [["user_id"]],
    "User": [["is_active", "id"], ["is_superuser", "id"], ["access_state", "id"]],
    "VerifiedEmail": [["user_id"]],
}
# The first part has a table of its own only, as PostgreSQL looks up in no index what it joins with
# a part that is itself a join.
EFFECTIVE_MEMBERSHIPS = """
    CREATE VIEW effective_memberships AS
    SELECT user_id || '-' || group_id AS id, user_id, group_id
      FROM memberships
     WHERE group_id NOT IN (
           SELECT id FROM "groups" WHERE membership IN ('ALL_USERS', 'CLUSTER_USERS'))
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


async def create_chronological_index(apps: StateApps, editor: BaseSchemaEditor) -> None:
    key = chronological_sql('"last_login_at"')
    await editor.client.execute_query(
        f'CREATE INDEX "idx_users_last_login_at_chronological" ON "users" ({key}, "id")'
    )


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]

    operations = [
        *(ops.RemoveIndex(name, fields=key) for name, keys in REMOVED.items() for key in keys),
        *(ops.AddIndex(name, Index(fields=key)) for name, keys in ADDED.items() for key in keys),
        ops.RunPython(create_chronological_index),
        ops.RunSQL("DROP VIEW effective_memberships"),
        ops.RunSQL(EFFECTIVE_MEMBERSHIPS),
    ]
