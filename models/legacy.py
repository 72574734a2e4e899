from __future__ import annotations

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model


class LegacyKind(StrEnum):
    USER = "USER"
    GROUP = "GROUP"
    WEBAPP = "WEBAPP"


class LegacyRow(Model):
    """A row of the portal before this one, as it was when it was last taken over.

    `values` has a fingerprint of each value there, and a list of them where there are several. So
    the next import can tell what was changed there from what was changed here, and nothing
    personal is kept twice. `target_id` is that of the row here, and stays when that is deleted: no
    other row may ever be taken for it.
    """

    id = fields.IntField(primary_key=True)
    kind = fields.CharEnumField(LegacyKind, max_length=6)
    source_id = fields.BigIntField()
    target_id = fields.IntField()
    values: dict[str, str | list[str]] = fields.JSONField()

    class Meta:
        table = "legacy_rows"
        unique_together = (("kind", "source_id"), ("kind", "target_id"))
