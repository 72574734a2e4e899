"""The audit log. Events are written in the transaction of the change that they record."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import orjson
from pydantic.alias_generators import to_camel
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from models import (
    AuditActor,
    AuditEvent,
    AuditKind,
    AuditOutcome,
    AuditSubject,
    Group,
    User,
    WebApp,
)
from models.audit import REQUEST_ID_LENGTH
from models.sessions import ADDRESS_LENGTH, CLIENT_LENGTH
from models.users import NAME_LENGTH
from resolvers.actor import Actor
from resolvers.errors import Forbidden, NotFound

logger = logging.getLogger("kubeportal.audit")
Subject: TypeAlias = User | Group | WebApp
DETAIL_LENGTH = 300
BATCH = 500
# Columns whose values an event shows: they are not secret, and decide about permissions
SHOWN = frozenset(
    {"username", "name", "is_superuser", "is_active", "can_admin", "membership", "link_show"}
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event to record. The details are JSON values without secrets."""

    kind: AuditKind
    subject: Subject
    details: Mapping[str, Any] = field(default_factory=dict)


async def record(
    by: Actor | AuditActor,
    kind: AuditKind,
    subject: Subject | None = None,
    *,
    outcome: AuditOutcome = AuditOutcome.SUCCEEDED,
    **details: Any,
) -> None:
    """Writes an event to the database, and to the log as one line of JSON.

    details: JSON values without secrets.
    """
    event = AuditEvent(
        kind=kind, outcome=outcome, details=_details(details), **_author(by), **_on(subject)
    )
    await event.save()
    _log(event)


async def record_all(by: Actor | AuditActor, entries: Iterable[Entry]) -> None:
    """Writes events in bulk: the number of statements grows by one per 500 events."""
    common = {"outcome": AuditOutcome.SUCCEEDED, **_author(by)}
    events = [
        AuditEvent(kind=entry.kind, details=_details(entry.details), **common, **_on(entry.subject))
        for entry in entries
    ]
    await AuditEvent.bulk_create(events, batch_size=BATCH)
    for event in events:
        _log(event)


def creation(row: Subject) -> dict[str, Any]:
    """The details of a created row."""
    shown = sorted(SHOWN & type(row)._meta.db_fields)
    return {"values": {to_camel(column): getattr(row, column) for column in shown}}


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The details of a changed row: the columns that differ, and the values that may be shown."""
    changed = [column for column in after if before[column] != after[column]]
    values = {
        to_camel(column): {"from": before[column], "to": after[column]}
        for column in changed
        if column in SHOWN
    }
    return {"fields": sorted(map(to_camel, changed)), "values": values}


def about(row: Group | WebApp) -> dict[str, Any]:
    """A reference to a row other than the subject."""
    reference = {"id": row.id, "name": row.name}
    return reference | {"canAdmin": row.can_admin} if isinstance(row, Group) else reference


def plain(text: str, limit: int) -> str:
    """Text with escape sequences instead of control characters: safe on terminals and in logs."""
    letters = (
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text[:limit]
    )
    return "".join(letters)[:limit]


def _author(by: Actor | AuditActor) -> dict[str, Any]:
    if isinstance(by, AuditActor):
        return {"actor_type": by}
    user, client = by.user_or_none, by.client
    return {
        "actor_type": AuditActor.USER if user else AuditActor.NOBODY,
        "actor_id": user and user.id,
        "actor_name": plain(user.username, NAME_LENGTH) if user else "",
        "address": plain(client.address, ADDRESS_LENGTH),
        "client": plain(client.name, CLIENT_LENGTH),
        "request_id": plain(client.request_id, REQUEST_ID_LENGTH),
    }


def _on(subject: Subject | None) -> dict[str, Any]:
    if subject is None:
        return {}
    name = subject.username if isinstance(subject, User) else subject.name
    return {
        "subject_type": AuditSubject(type(subject).__name__),
        "subject_id": subject.id,
        "subject_name": plain(name, NAME_LENGTH),
    }


def _details(details: Mapping[str, Any]) -> dict[str, Any]:
    return {to_camel(name): _plain_value(value) for name, value in details.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value, DETAIL_LENGTH)
    if isinstance(value, dict):
        return {key: _plain_value(each) for key, each in value.items()}
    return [_plain_value(each) for each in value] if isinstance(value, list) else value


def as_json(event: AuditEvent) -> dict[str, Any]:
    """The event as it is logged and exported."""
    return {
        "happenedAt": event.happened_at,
        "kind": event.kind,
        "outcome": event.outcome,
        "actor": _reference(event.actor_type, event.actor_id, event.actor_name),
        "subject": event.subject_type
        and _reference(event.subject_type, event.subject_id, event.subject_name),
        "address": event.address,
        "client": event.client,
        "requestId": event.request_id,
        "details": event.details,
    }


def _log(event: AuditEvent) -> None:
    logger.info("%s", orjson.dumps(as_json(event)).decode())


def _reference(kind: str, row_id: int | None, name: str) -> dict[str, Any]:
    return {"type": kind, "id": row_id, "name": name}


@dataclass(frozen=True, slots=True)
class AuditEventFilter:
    """Conditions for events; None is no condition. `since` is inclusive, `until` is exclusive."""

    actor_type: AuditActor | None = None
    actor_id: int | None = None
    subject_type: AuditSubject | None = None
    subject_id: int | None = None
    kinds: Sequence[AuditKind] | None = None
    outcome: AuditOutcome | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> Iterator[Q]:
        for column in ("actor_type", "actor_id", "subject_type", "subject_id", "outcome"):
            value = getattr(self, column)
            if value is not None:
                yield Q(**{column: value})
        if self.kinds is not None:
            yield Q(kind__in=list(dict.fromkeys(self.kinds)))
        if self.since is not None:
            yield Q(happened_at__gte=self.since)
        if self.until is not None:
            yield Q(happened_at__lt=self.until)


def search(criteria: AuditEventFilter) -> QuerySet[AuditEvent]:
    """The events that meet the conditions."""
    return AuditEvent.filter(*criteria.conditions())


def own(actor: Actor, owner: User) -> QuerySet[AuditEvent]:
    """The events whose actor or subject is the owner. Raises Forbidden for other users."""
    if actor.user.id != owner.id:
        raise Forbidden("Look under `admin` for the events of others.")
    return AuditEvent.filter(
        Q(actor_id=owner.id) | Q(subject_type=AuditSubject.USER, subject_id=owner.id)
    )


def visible_to(actor: Actor) -> QuerySet[AuditEvent]:
    """All events for administrators, else one's own."""
    return AuditEvent.all() if actor.is_admin else own(actor, actor.user)


async def event(actor: Actor, event_id: int) -> AuditEvent:
    """Raises NotFound for an event that the actor can't see."""
    found = await visible_to(actor).get_or_none(id=event_id)
    if found is None:
        raise NotFound
    return found


def shows_origin(actor: Actor, row: AuditEvent) -> bool:
    """Whether the actor may see address and client: not those of other users."""
    return row.actor_id in (None, actor.user.id) or actor.is_admin
