"""What the audit log says about an applied declaration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tortoise.models import Model

from models import AuditActor, AuditKind, ServiceAccount
from portal.declared import words
from portal.declared.changes import Added, Change, Changed
from resolvers.audit import TOLD, record

MOST = 200


async def record_changes(changes: Sequence[Change]) -> None:
    """One event with the first changes and the number of all; none where nothing changed."""
    if not changes:
        return
    counts = Counter(change.sign for change in changes)
    await record(
        AuditActor.OPERATOR,
        AuditKind.DECLARATION_APPLIED,
        added=counts["+"],
        changed=counts["~"],
        removed=counts["-"],
        changes=[_told(change) for change in changes[:MOST]],
    )


def _told(change: Change) -> dict[str, Any]:
    if not isinstance(change, Added | Changed):
        return {"change": str(change)}
    values = {words.field(name): v for name, v in change.values.items() if name in TOLD}
    return {
        "change": f"{change.sign} {type(change.row).__name__} {_name(change.row)}",
        "fields": sorted(words.field(name) for name in change.values),
        "values": values,
    }


def _name(row: Model) -> str:
    if isinstance(row, ServiceAccount):
        return words.account(row)
    return str(getattr(row, "username", None) or getattr(row, "name", ""))
