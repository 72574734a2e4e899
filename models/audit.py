"""The audit log: a table in which the database itself refuses changes and deletions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from models.sessions import ADDRESS_LENGTH, CLIENT_LENGTH
from models.users import NAME_LENGTH

REQUEST_ID_LENGTH = 32


class AuditKind(StrEnum):
    SIGN_IN = "SIGN_IN"
    SESSION_ENDED = "SESSION_ENDED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    PASSWORD_SET = "PASSWORD_SET"
    TOKEN_CREATED = "TOKEN_CREATED"
    TOKEN_DELETED = "TOKEN_DELETED"
    CREDENTIAL_ISSUED = "CREDENTIAL_ISSUED"
    ACCESS_REQUESTED = "ACCESS_REQUESTED"
    ACCESS_APPROVED = "ACCESS_APPROVED"
    ACCESS_REJECTED = "ACCESS_REJECTED"
    ACCESS_REVOKED = "ACCESS_REVOKED"
    ACCESS_EXPIRED = "ACCESS_EXPIRED"
    BINDINGS_REMOVED = "BINDINGS_REMOVED"
    USER_CREATED = "USER_CREATED"
    USER_CHANGED = "USER_CHANGED"
    USER_DELETED = "USER_DELETED"
    GROUP_CREATED = "GROUP_CREATED"
    GROUP_CHANGED = "GROUP_CHANGED"
    GROUP_DELETED = "GROUP_DELETED"
    MEMBER_ADDED = "MEMBER_ADDED"
    MEMBER_REMOVED = "MEMBER_REMOVED"
    WEBAPP_CREATED = "WEBAPP_CREATED"
    WEBAPP_CHANGED = "WEBAPP_CHANGED"
    WEBAPP_DELETED = "WEBAPP_DELETED"
    WEBAPP_GRANTED = "WEBAPP_GRANTED"
    WEBAPP_WITHDRAWN = "WEBAPP_WITHDRAWN"
    DECLARATION_APPLIED = "DECLARATION_APPLIED"
    LEGACY_IMPORTED = "LEGACY_IMPORTED"
    AUDIT_PRUNED = "AUDIT_PRUNED"


class AuditOutcome(StrEnum):
    SUCCEEDED = "SUCCEEDED"
    REFUSED = "REFUSED"
    THROTTLED = "THROTTLED"


class AuditActor(StrEnum):
    USER = "USER"
    OPERATOR = "OPERATOR"
    NOBODY = "NOBODY"


class AuditSubject(StrEnum):
    """The names of the models."""

    USER = "User"
    GROUP = "Group"
    WEBAPP = "WebApp"


class AuditEvent(Model):
    """An action, its actor, its subject and its origin. Triggers keep the table append-only.

    Ids are not foreign keys and names are copies, so that an event stays the same when its actor or
    subject is renamed or deleted. Texts are printable.
    """

    id = fields.IntField(primary_key=True)
    happened_at: datetime = fields.DatetimeField(auto_now_add=True, db_index=True)
    # With a description of its own: the default lists all kinds, so each new one would need a
    # migration.
    kind = fields.CharEnumField(AuditKind, max_length=24, description="What happened")
    outcome = fields.CharEnumField(AuditOutcome, max_length=9)
    actor_type = fields.CharEnumField(AuditActor, max_length=8)
    actor_id: int | None = fields.IntField(null=True)
    actor_name = fields.CharField(max_length=NAME_LENGTH, default="")
    subject_type = fields.CharEnumField(AuditSubject, max_length=6, null=True)
    subject_id: int | None = fields.IntField(null=True)
    subject_name = fields.CharField(max_length=NAME_LENGTH, default="")
    address = fields.CharField(max_length=ADDRESS_LENGTH, default="")
    client = fields.CharField(max_length=CLIENT_LENGTH, default="")
    request_id = fields.CharField(max_length=REQUEST_ID_LENGTH, default="")
    details: dict[str, Any] = fields.JSONField(default=dict)

    class Meta:
        table = "audit_events"
        indexes = (
            ("actor_type", "happened_at", "id"),
            ("actor_id", "happened_at", "id"),
            ("subject_type", "subject_id", "happened_at", "id"),
            ("kind", "happened_at", "id"),
            ("outcome", "happened_at", "id"),
        )


SQLITE_TRIGGERS = {
    "audit_events_no_update": 'BEFORE UPDATE ON "audit_events"',
    "audit_events_no_delete": 'BEFORE DELETE ON "audit_events"',
    # INSERT OR REPLACE deletes without firing the trigger on DELETE
    "audit_events_no_replace": (
        'BEFORE INSERT ON "audit_events"'
        ' WHEN EXISTS (SELECT 1 FROM "audit_events" WHERE "id" = NEW."id")'
    ),
}
POSTGRES_FUNCTION = """
    CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$
"""
POSTGRES_TRIGGER = """
    CREATE TRIGGER "audit_events_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE
        ON "audit_events" FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


async def make_append_only(connection: BaseDBAsyncClient) -> None:
    """Changing, deleting or replacing an event raises IntegrityError from now on."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query(POSTGRES_FUNCTION)
        await connection.execute_query(POSTGRES_TRIGGER)
        return
    for name, event in SQLITE_TRIGGERS.items():
        await connection.execute_query(
            f'CREATE TRIGGER "{name}" {event}'
            " BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END"
        )


async def allow_changes(connection: BaseDBAsyncClient) -> None:
    """For pruning, in one transaction with `make_append_only`."""
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query('DROP TRIGGER "audit_events_append_only" ON "audit_events"')
        return
    for name in SQLITE_TRIGGERS:
        await connection.execute_query(f'DROP TRIGGER "{name}"')
