from __future__ import annotations

from datetime import datetime

from tortoise import fields
from tortoise.models import Model

KEY_LENGTH = 128


class AttemptCount(Model):
    """How often something was tried since a window began; `ends_at` is in seconds since 1970.

    Whoever is counted is in the key as a keyed hash only: neither names nor addresses are kept.
    """

    key = fields.CharField(max_length=KEY_LENGTH, primary_key=True)
    count = fields.IntField()
    ends_at = fields.BigIntField(db_index=True)

    class Meta:
        table = "attempt_counts"


class FamiliarAddress(Model):
    """An address from which an account signed in; the key is a keyed hash of the two."""

    key = fields.CharField(max_length=KEY_LENGTH, primary_key=True)
    ends_at = fields.BigIntField(db_index=True)

    class Meta:
        table = "familiar_addresses"


TEXT_LENGTH = 200


class RestUsage(Model):
    """How often one client has called one route of the REST API; `client` may be empty."""

    id = fields.IntField(primary_key=True)
    method = fields.CharField(max_length=10)
    route = fields.CharField(max_length=TEXT_LENGTH)
    document = fields.CharField(max_length=TEXT_LENGTH)
    client = fields.CharField(max_length=TEXT_LENGTH)
    count = fields.BigIntField()
    first_seen_at: datetime = fields.DatetimeField()
    last_seen_at: datetime = fields.DatetimeField()

    class Meta:
        table = "rest_usage"
        unique_together = (("method", "route", "document", "client"),)
