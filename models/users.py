from __future__ import annotations

import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.clusters import ServiceAccount

NAME_LENGTH = 150
KEY_LENGTH = 3 * NAME_LENGTH  # case folding may turn one letter into three
EMAIL_LENGTH = 254
COMMENTS_LENGTH = 1000
HASH_LENGTH = 255


class AccessState(StrEnum):
    NEW = "NEW"
    REQUESTED = "REQUESTED"
    REJECTED = "REJECTED"
    APPROVED = "APPROVED"


def username_key(username: str) -> str:
    """The form in which user names are unique: without case and Unicode variants."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())


class User(Model):
    """A user of the portal.

    `version` counts changes of names, addresses and `is_…`, for optimistic locking.
    """

    id = fields.IntField(primary_key=True)
    username = fields.CharField(max_length=NAME_LENGTH)
    username_key = fields.CharField(max_length=KEY_LENGTH, unique=True)
    first_name = fields.CharField(max_length=NAME_LENGTH, default="")
    last_name = fields.CharField(max_length=NAME_LENGTH, default="")
    primary_email = fields.CharField(max_length=EMAIL_LENGTH, null=True)
    alternative_emails: list[str] = fields.JSONField(default=list)
    password_hash = fields.CharField(max_length=HASH_LENGTH, null=True)
    declared_password_hash = fields.CharField(max_length=HASH_LENGTH, null=True)
    is_superuser = fields.BooleanField(default=False)
    is_active = fields.BooleanField(default=True)
    access_state = fields.CharEnumField(AccessState, max_length=9, default=AccessState.NEW)
    service_account: fields.ForeignKeyNullableRelation[ServiceAccount] = fields.ForeignKeyField(
        "models.ServiceAccount", related_name="users", null=True, on_delete=fields.SET_NULL
    )
    access_expires_at: datetime | None = fields.DatetimeField(null=True, db_index=True)
    comments = fields.CharField(max_length=COMMENTS_LENGTH, null=True)
    created_at: datetime = fields.DatetimeField(auto_now_add=True)
    last_login_at: datetime | None = fields.DatetimeField(null=True)
    version = fields.IntField(default=1, db_default=1)

    service_account_id: int | None

    class Meta:
        table = "users"
        indexes = (
            ("created_at", "id"),
            ("is_active", "id"),
            ("is_superuser", "id"),
            ("access_state", "id"),
        )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.username_key = username_key(self.username)

    @classmethod
    async def by_username(cls, username: str) -> User | None:
        """The user of that name, in any case."""
        key = username_key(username[: KEY_LENGTH + 1])
        if len(key) > KEY_LENGTH or not key.isprintable():
            return None
        return await cls.get_or_none(username_key=key)

    def access_state_at(self, now: datetime) -> AccessState:
        """Access ends at its expiry, before the background task writes that to the database."""
        is_over = self.access_expires_at is not None and self.access_expires_at <= now
        approved = self.access_state == AccessState.APPROVED
        return AccessState.NEW if approved and is_over else self.access_state

    def has_access_at(self, now: datetime) -> bool:
        approved = self.access_state_at(now) == AccessState.APPROVED
        return approved and self.service_account_id is not None

    @property
    def display_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.username

    @property
    def all_emails(self) -> list[str]:
        """The primary address first, then the alternatives."""
        addresses = [self.primary_email] if self.primary_email else []
        return addresses + [a for a in self.alternative_emails if a not in addresses]


class ExternalIdentity(Model):
    """An account at an identity provider, which never reuses a subject."""

    id = fields.IntField(primary_key=True)
    provider = fields.CharField(max_length=50)
    subject = fields.CharField(max_length=255)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="external_identities", on_delete=fields.CASCADE
    )

    class Meta:
        table = "external_identities"
        unique_together = (("provider", "subject"),)
        indexes = (("user_id",),)


class VerifiedEmail(Model):
    """An address that is proven to belong to a user, in lower case.

    Users edit their other addresses freely, so those prove nothing.
    """

    id = fields.IntField(primary_key=True)
    address = fields.CharField(max_length=EMAIL_LENGTH, unique=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="verified_emails", on_delete=fields.CASCADE
    )

    user_id: int

    class Meta:
        table = "verified_emails"
        indexes = (("user_id",),)
