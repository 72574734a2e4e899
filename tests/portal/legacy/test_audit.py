"""What an import does to whom is in the audit log, as far as it is about rights."""

from __future__ import annotations

from typing import Any

import pytest

from models import AuditActor, AuditEvent, Database, Group
from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import MEMBERSHIPS, USERS, Rows

pytestmark = pytest.mark.database


async def told() -> list[tuple[str, str, dict[str, Any]]]:
    events = await AuditEvent.exclude(subject_name="").order_by("id")
    assert {event.actor_type for event in events} <= {AuditActor.OPERATOR}
    return [(event.kind.value, event.subject_name, event.details) for event in events]


async def test_sr40_an_import_tells_each_administrator(
    take_over: TakeOver, rows: Rows, database: Database
) -> None:
    database.activate()
    [bob] = [row for row in rows[USERS] if row["username"] == "bob"]
    [admins] = [row for row in rows["kubeportal_portalgroup"] if row["can_admin"]]
    rows[MEMBERSHIPS].append({"id": 900, "user_id": bob["id"], "portalgroup_id": admins["id"]})
    await take_over(rows, dry_run=True)
    assert await told() == []
    await take_over(rows)
    group = await Group.get(can_admin=True)
    about = {"group": {"id": group.id, "name": group.name, "canAdmin": True}}
    first = await told()
    assert ("LEGACY_IMPORTED", "root", {"values": {"isSuperuser": True}}) in first
    assert ("MEMBER_ADDED", "bob", about) in first
    await take_over(rows)
    assert await told() == first
    bob["is_superuser"] = True
    rows[MEMBERSHIPS].pop()
    await take_over(rows)
    assert (await told())[len(first) :] == [
        ("LEGACY_IMPORTED", "bob", {"values": {"isSuperuser": True}}),
        ("MEMBER_REMOVED", "bob", about),
    ]
