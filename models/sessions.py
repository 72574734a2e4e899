from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.users import User

ADDRESS_LENGTH = 45  # an IPv6 address with an IPv4 part
CLIENT_LENGTH = 200
TOKEN_NAME_LENGTH = 100


class SignInMethod(StrEnum):
    PASSWORD = "PASSWORD"
    GOOGLE = "GOOGLE"
    TOKEN = "TOKEN"


class Scope(StrEnum):
    READ = "READ"
    WRITE = "WRITE"
    CREDENTIALS = "CREDENTIALS"
    ADMIN = "ADMIN"


class Session(Model):
    """A sign-in, or a personal access token (method TOKEN). Its end deletes the row.

    A sign-in has all permissions of its user, a personal access token those of its `scopes`.
    `token_hash` is the keyed hash of a personal access token in hexadecimal digits. `last_used_at`
    is null before the first use.
    """

    id = fields.UUIDField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="sessions", on_delete=fields.CASCADE
    )
    method = fields.CharEnumField(SignInMethod, max_length=8)
    address = fields.CharField(max_length=ADDRESS_LENGTH, default="")
    client = fields.CharField(max_length=CLIENT_LENGTH, default="")
    created_at: datetime = fields.DatetimeField()
    last_used_at: datetime | None = fields.DatetimeField(null=True)
    expires_at: datetime = fields.DatetimeField(db_index=True)
    name = fields.CharField(max_length=TOKEN_NAME_LENGTH, default="")
    scopes: list[str] | None = fields.JSONField(null=True)
    token_hash = fields.CharField(max_length=64, null=True, unique=True)

    user_id: int

    class Meta:
        table = "sessions"
        indexes = (("user_id",),)

    @property
    def is_token(self) -> bool:
        return self.method == SignInMethod.TOKEN

    def allows(self, scope: Scope | None) -> bool:
        """Whether the session has the scope. An action without a scope requires a sign-in."""
        return not self.is_token or scope in (self.scopes or ())
