"""The operator's part in the audit log."""

from __future__ import annotations

from datetime import datetime

from tortoise.transactions import in_transaction

from models import AuditActor, AuditEvent, AuditKind
from models.append_only import seal, unseal
from models.audit import TABLE
from resolvers.audit import record


async def prune(before: datetime) -> int:
    """Deletes older events, and records that; returns how many there were."""
    async with in_transaction() as connection:
        await unseal(connection, TABLE)
        count = await AuditEvent.filter(happened_at__lt=before).delete()
        await seal(connection, TABLE)
        await record(
            AuditActor.OPERATOR, AuditKind.AUDIT_PRUNED, before=before.isoformat(), deleted=count
        )
    return count
