"""The history of requests for access to the cluster."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from tortoise import fields
from tortoise.models import Model

from models.clusters import ServiceAccount
from models.users import User

REASON_LENGTH = 1000


class AccessRequestState(StrEnum):
    OPEN = "OPEN"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class AccessRequest(Model):
    """A request for access, its decision and its end: the history of `User.access_state`.

    `key` identifies the request in the cluster, in an annotation of the namespace that was created
    for it.
    """

    id = fields.IntField(primary_key=True)
    key: UUID = fields.UUIDField(default=uuid4, unique=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="access_requests", on_delete=fields.CASCADE, db_index=True
    )
    state = fields.CharEnumField(
        AccessRequestState, max_length=8, default=AccessRequestState.OPEN, db_index=True
    )
    reason = fields.CharField(max_length=REASON_LENGTH, default="")
    created_at: datetime = fields.DatetimeField()
    decided_at: datetime | None = fields.DatetimeField(null=True)
    decided_by: fields.ForeignKeyNullableRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="access_decisions", null=True, on_delete=fields.SET_NULL
    )
    decision_reason = fields.CharField(max_length=REASON_LENGTH, default="")
    service_account: fields.ForeignKeyNullableRelation[ServiceAccount] = fields.ForeignKeyField(
        "models.ServiceAccount",
        related_name="access_requests",
        null=True,
        on_delete=fields.SET_NULL,
    )
    expires_at: datetime | None = fields.DatetimeField(null=True)
    ended_at: datetime | None = fields.DatetimeField(null=True)
    ended_by: fields.ForeignKeyNullableRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="access_withdrawals", null=True, on_delete=fields.SET_NULL
    )
    end_reason = fields.CharField(max_length=REASON_LENGTH, default="")

    user_id: int
    decided_by_id: int | None
    service_account_id: int | None
    ended_by_id: int | None

    class Meta:
        table = "access_requests"
