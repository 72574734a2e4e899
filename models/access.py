"""The history of requests for access to the cluster."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from tortoise import fields
from tortoise.models import Model

from models.clusters import ServiceAccount
from models.users import NAME_LENGTH, User

REASON_LENGTH = 1000


class AccessRequestState(StrEnum):
    OPEN = "OPEN"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class AccessRequest(Model):
    """A request for access, its decision and its end: the history of `User.access_state`.

    key: identifies the request in the cluster, in an annotation of the namespace and in a label of
    the role bindings that were created for it.
    namespace_is_managed: whether the namespace was created for the user, who then has role bindings
    with this label in it; null without an approval.
    bindings_removed_at, remaining_bindings: when the role bindings were removed after the access
    had ended, and the other ones that the service account still had then.
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
    namespace_is_managed = fields.BooleanField(null=True)
    bindings_removed_at: datetime | None = fields.DatetimeField(null=True)
    remaining_bindings: list[str] = fields.JSONField(default=list)

    user_id: int
    decided_by_id: int | None
    service_account_id: int | None
    ended_by_id: int | None

    class Meta:
        table = "access_requests"
        indexes = (("state", "id"), ("decided_by_id",), ("ended_by_id",))


class BindingRemoval(Model):
    """Role bindings with the label `key` that still have to be removed from the cluster.

    The row has no foreign keys, as it outlives the user and the request.
    """

    id = fields.IntField(primary_key=True)
    key: UUID = fields.UUIDField(unique=True)
    cluster = fields.CharField(max_length=253)
    namespace = fields.CharField(max_length=63)
    service_account = fields.CharField(max_length=253)
    user_id = fields.IntField()
    username = fields.CharField(max_length=NAME_LENGTH)
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "binding_removals"
