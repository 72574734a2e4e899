from __future__ import annotations

from datetime import datetime

from tortoise import fields
from tortoise.models import Model

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
