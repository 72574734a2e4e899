from __future__ import annotations

from datetime import datetime

from tortoise import fields
from tortoise.models import Model

KEY_LENGTH = 128


class AttemptCount(Model):
    """Attempts in a window of a rate limit, which ends at `ends_at`, in seconds since 1970.

    The key names the limit and a keyed hash of its subject: neither names nor addresses are stored.
    """

    key = fields.CharField(max_length=KEY_LENGTH, primary_key=True)
    count = fields.IntField()
    ends_at = fields.BigIntField(db_index=True)

    class Meta:
        table = "attempt_counts"


TEXT_LENGTH = 200


class RestUsage(Model):
    """Calls of one route of the REST API by one client, whose name may be empty."""

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
