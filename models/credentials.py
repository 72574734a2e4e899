from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.sessions import ADDRESS_LENGTH, CLIENT_LENGTH
from models.users import NAME_LENGTH, User


class CredentialKind(StrEnum):
    TOKEN = "TOKEN"  # noqa: S105
    KUBECONFIG = "KUBECONFIG"
    EXEC = "EXEC"


class CredentialIssue(Model):
    """An issued credential. Rows stay when the user is deleted.

    `fingerprint` is the SHA-256 of the token in hexadecimal digits; the token is not stored.
    """

    id = fields.IntField(primary_key=True)
    user: fields.ForeignKeyNullableRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="credential_issues", null=True, on_delete=fields.SET_NULL
    )
    username = fields.CharField(max_length=NAME_LENGTH)
    session_id = fields.UUIDField()
    kind = fields.CharEnumField(CredentialKind, max_length=10)
    cluster = fields.CharField(max_length=253)
    namespace = fields.CharField(max_length=63)
    service_account = fields.CharField(max_length=253)
    fingerprint = fields.CharField(max_length=64)
    address = fields.CharField(max_length=ADDRESS_LENGTH)
    client = fields.CharField(max_length=CLIENT_LENGTH)
    issued_at: datetime = fields.DatetimeField()
    expires_at: datetime | None = fields.DatetimeField(null=True)

    user_id: int | None

    class Meta:
        table = "credential_issues"
        unique_together = (("fingerprint", "session_id", "kind", "address"),)
        indexes = (("user_id", "id"),)
