"""What the operator does at the command line is in the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from anyio import to_thread
from click.testing import CliRunner
from tortoise.exceptions import IntegrityError

from auth.passwords import Passwords
from models import (
    AccessRequest,
    AuditActor,
    AuditEvent,
    AuditKind,
    AuditOutcome,
    Database,
    Group,
    Session,
    SignInMethod,
    User,
)
from portal.cli.audit import prune_events
from portal.cli.main import cli
from portal.cli.users import create_user
from portal.settings import Settings
from tests.declaring import apply_file
from tests.statements import recorded_statements

pytestmark = pytest.mark.database

DECLARATION = """
groups:
  - name: Operators
    canAdmin: true
users:
  - username: bob
    password: a long walk at the sea
    superuser: true
    firstName: Bob
    groups: [Operators]
    serviceAccount: {namespace: team, name: bob}
"""
GIVING = """
groups: [{name: Heads, webapps: [Wiki]}]
webapps: [{name: Wiki, linkShow: true}]
users:
  - username: eve
    groups: [Heads]
    serviceAccount: {namespace: team, name: eve}
    verifiedEmails: [eve@example.org]
"""
TAKING = """
groups: [{name: Heads, webapps: []}]
webapps: [{name: Wiki, linkShow: false}]
users: [{username: eve, groups: [], serviceAccount: null, verifiedEmails: []}]
"""
HEADS = "groups: [{name: Operators, canAdmin: true}]"
DAY = timedelta(days=1)
NOW = datetime.now(UTC)
TIMES: dict[str, Any] = {"created_at": NOW, "last_used_at": NOW, "expires_at": NOW + DAY}


@pytest.fixture
def declaration(tmp_path: Path) -> Path:
    file = tmp_path / "portal.yaml"
    file.write_text(DECLARATION)
    return file


async def apply_text(text: str, file: Path) -> None:
    await to_thread.run_sync(file.write_text, text)
    await apply_file(file, Passwords(), dry_run=False)


def recorded_events(events: Sequence[AuditEvent]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(event.kind.value, event.subject_name, event.details) for event in events]


async def test_sr40_applied_file_records_each_subject(
    database: Database, declaration: Path
) -> None:
    database.activate()
    bob = await User.create(username="bob")
    await Session.create(id=uuid4(), user=bob, method=SignInMethod.PASSWORD, **TIMES)
    await apply_file(declaration, Passwords(), dry_run=True)
    assert not await AuditEvent.exists()
    for _ in range(2):
        await apply_file(declaration, Passwords(), dry_run=False)
    events = await AuditEvent.all().order_by("id")
    assert {event.actor_type for event in events} == {AuditActor.OPERATOR}
    group = {"id": (await Group.get()).id, "name": "Operators", "canAdmin": True}
    created = {"canAdmin": True, "membership": "MANUAL", "name": "Operators"}
    superuser = {"isSuperuser": {"from": False, "to": True}}
    request = (await AccessRequest.get()).id
    account = {"cluster": "", "namespace": "team", "serviceAccount": "bob"}
    access = {"request": request, **account, "expiresAt": None}
    assert recorded_events(events) == [
        ("GROUP_CREATED", "Operators", {"values": created}),
        ("USER_CHANGED", "bob", {"fields": ["firstName", "isSuperuser"], "values": superuser}),
        ("MEMBER_ADDED", "bob", {"group": group}),
        ("PASSWORD_SET", "bob", {}),
        ("ACCESS_APPROVED", "bob", access),
        ("SESSION_ENDED", "bob", {"count": 1}),
        ("DECLARATION_APPLIED", "", {"added": 2, "changed": 1, "removed": 0}),
    ]


async def test_sr40_applied_file_records_removals(database: Database, declaration: Path) -> None:
    database.activate()
    await apply_text(GIVING, declaration)
    last = await AuditEvent.all().order_by("-id").first()
    await apply_text(TAKING, declaration)
    events = await AuditEvent.filter(id__gt=last and last.id).order_by("id")
    assert [(kind, name) for kind, name, _ in recorded_events(events)] == [
        ("WEBAPP_CHANGED", "Wiki"),
        ("MEMBER_REMOVED", "eve"),
        ("WEBAPP_WITHDRAWN", "Wiki"),
        ("USER_CHANGED", "eve"),
        ("ACCESS_REVOKED", "eve"),
        ("DECLARATION_APPLIED", ""),
    ]
    assert events[3].details["verifiedEmail"] == {"removed": "eve@example.org"}


async def test_sr40_long_file_records_new_administrators(
    database: Database, declaration: Path
) -> None:
    database.activate()
    crowd = "".join(f"  - {{username: user-{n}}}\n" for n in range(300))
    with recorded_statements() as statements:
        await apply_text(
            f"users:\n{crowd}  - {{username: eve, groups: [Operators]}}\n{HEADS}", declaration
        )
    event = await AuditEvent.get(kind=AuditKind.MEMBER_ADDED)
    assert (event.subject_name, event.details["group"]["canAdmin"]) == ("eve", True)
    assert await AuditEvent.filter(kind=AuditKind.USER_CREATED).count() == 301
    assert len(statements) < 60


async def test_command_line_account_is_recorded(database: Database) -> None:
    database.activate()
    await create_user(Settings(), User(username="root", is_superuser=True), "")
    [event] = await AuditEvent.all()
    assert (event.kind, event.actor_type) == (AuditKind.USER_CREATED, AuditActor.OPERATOR)
    assert (event.subject_name, event.address) == ("root", "")
    assert event.details["values"]["isSuperuser"] is True


async def test_sr40_pruning_is_recorded(
    database: Database,
) -> None:
    database.activate()
    now = datetime.now(UTC)
    for age in (3, 2, 0):
        await AuditEvent.create(
            kind=AuditKind.SIGN_IN,
            outcome=AuditOutcome.REFUSED,
            actor_type=AuditActor.NOBODY,
            happened_at=now - age * DAY,
        )
    assert await prune_events(now - DAY) == 2
    old, pruned = await AuditEvent.all().order_by("id")
    assert old.happened_at == now
    assert (pruned.kind, pruned.actor_type) == (AuditKind.AUDIT_PRUNED, AuditActor.OPERATOR)
    assert pruned.details == {"before": (now - DAY).isoformat(), "deleted": 2}
    with pytest.raises(IntegrityError):
        await AuditEvent.all().delete()


@pytest.mark.parametrize(
    ("day", "status", "output"),
    [("2026-01-31", 0, "deleted 0 events"), ("soon", 2, "does not match the format")],
)
async def test_the_command_prunes_by_day(
    migrated_url: str, day: str, status: int, output: str
) -> None:
    environment = {"KUBEPORTAL_DATABASE_URL": migrated_url}
    command = partial(CliRunner().invoke, cli, ["audit", "prune", "--before", day], env=environment)
    run = await to_thread.run_sync(command)
    assert (run.exit_code, output in run.output) == (status, True)
