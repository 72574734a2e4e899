"""What the operator does at the command line is in the audit log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from anyio import to_thread
from click.testing import CliRunner
from tortoise.exceptions import IntegrityError

from auth.passwords import Passwords
from models import AuditActor, AuditEvent, AuditKind, AuditOutcome, Database, User
from portal.accounts import NewAccount, create_account
from portal.audit import prune
from portal.cli import cli
from tests.declaring import apply_file

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
"""
DAY = timedelta(days=1)


@pytest.fixture
def declaration(tmp_path: Path) -> Path:
    file = tmp_path / "portal.yaml"
    file.write_text(DECLARATION)
    return file


async def test_sr40_an_applied_file_is_one_event_that_tells_what_it_has_changed(
    database: Database, declaration: Path
) -> None:
    database.activate()
    await User.create(username="bob")
    await apply_file(declaration, Passwords(), dry_run=True)
    assert not await AuditEvent.exists()
    for _ in range(2):
        await apply_file(declaration, Passwords(), dry_run=False)
    [event] = await AuditEvent.all()
    assert (event.kind, event.actor_type) == (AuditKind.DECLARATION_APPLIED, AuditActor.OPERATOR)
    assert event.details == {
        "added": 2,
        "changed": 1,
        "removed": 0,
        "changes": [
            {"change": "+ Group Operators", "fields": ["canAdmin"], "values": {"canAdmin": True}},
            {
                "change": "~ User bob",
                "fields": ["firstName", "passwordHash", "superuser"],
                "values": {"superuser": True},
            },
            {"change": "+ membership bob in Operators"},
        ],
    }


async def test_an_account_of_the_command_line_is_an_event(database: Database) -> None:
    database.activate()
    await create_account(NewAccount("root", superuser=True), Passwords())
    [event] = await AuditEvent.all()
    assert (event.kind, event.actor_type) == (AuditKind.USER_CREATED, AuditActor.OPERATOR)
    assert (event.subject_name, event.address) == ("root", "")
    assert event.details["values"]["isSuperuser"] is True


async def test_sr40_pruning_deletes_what_is_older_and_is_an_event_itself(
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
    assert await prune(now - DAY) == 2
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
