from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.users import User


class SignInMethod(StrEnum):
    PASSWORD = "PASSWORD"
    GOOGLE = "GOOGLE"


class Session(Model):
    """A sign-in that is still good; ending a session deletes its row."""

    id = fields.UUIDField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="sessions", on_delete=fields.CASCADE
    )
    method = fields.CharEnumField(SignInMethod, max_length=8)
    address = fields.CharField(max_length=45, default="")
    client = fields.CharField(max_length=200, default="")
    created_at: datetime = fields.DatetimeField()
    last_used_at: datetime = fields.DatetimeField()
    expires_at: datetime = fields.DatetimeField(db_index=True)

    class Meta:
        table = "sessions"
