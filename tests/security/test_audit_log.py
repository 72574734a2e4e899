"""The audit log can only grow."""

from __future__ import annotations

import pytest
from tortoise.exceptions import IntegrityError

from models import AuditActor, AuditEvent, AuditKind
from resolvers import audit
from tests.callers import Caller, People

CREDENTIAL = "{ viewer { kubeconfig } }"


@pytest.mark.parametrize("how", ["update", "delete"])
async def test_sr40_what_was_recorded_can_not_be_changed(people: People, how: str) -> None:
    await audit.record(AuditActor.OPERATOR, AuditKind.USER_CREATED, people.alice)
    [event] = before = await AuditEvent.all().values()
    rows = AuditEvent.filter(id=event["id"])
    change = rows.update(actor_name="somebody else") if how == "update" else rows.delete()
    with pytest.raises(IntegrityError):
        await change
    assert await AuditEvent.all().values() == before


async def test_sr40_what_is_recorded_breaks_no_log(people: People) -> None:
    hostile = "a\nb\r\x00\x1b[2J\u202eevil"
    await audit.record(AuditActor.OPERATOR, AuditKind.USER_CHANGED, people.alice, note=hostile)
    event = await AuditEvent.get()
    assert isinstance(event.details["note"], str)
    assert event.details["note"].isprintable()


async def test_sr40_a_credential_is_recorded_with_whom_it_was_given_and_where(
    alice: Caller, people: People
) -> None:
    await alice.data(CREDENTIAL)
    event = await AuditEvent.get(kind=AuditKind.CREDENTIAL_ISSUED)
    assert (event.actor_id, event.subject_id) == (people.alice.id, people.alice.id)
    assert (event.address, bool(event.request_id)) == ("127.0.0.1", True)
