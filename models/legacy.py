from __future__ import annotations

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model


class LegacyKind(StrEnum):
    USER = "USER"
    GROUP = "GROUP"
    WEBAPP = "WEBAPP"


class LegacyRow(Model):
    """A row that was imported from the former portal.

    It stays when the row with `target_id` is deleted, so that a later import does not create it
    again.
    """

    id = fields.IntField(primary_key=True)
    kind = fields.CharEnumField(LegacyKind, max_length=6)
    source_id = fields.BigIntField()
    target_id = fields.IntField()

    class Meta:
        table = "legacy_rows"
        unique_together = (("kind", "source_id"), ("kind", "target_id"))
