"""Records what happens, in the transaction of the change: nothing happens unrecorded."""

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
from models.audit import ADDRESS_LENGTH, CLIENT_LENGTH, REQUEST_ID_LENGTH
from models.users import NAME_LENGTH
from resolvers.actor import Actor
from resolvers.errors import Forbidden, NotFound

logger = logging.getLogger("kubeportal.audit")
Subject: TypeAlias = User | Group | WebApp
DETAIL_LENGTH = 300
BATCH = 500
# Columns whose values are nobody's secret, and tell what somebody may do
TOLD = frozenset(
    {"username", "name", "is_superuser", "is_active", "can_admin", "membership", "link_show"}
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done; the details are JSON values, no secret among them."""

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
    """Adds an event, and writes it to the log as one line of JSON.

    by: who asks, or who it was where nobody asks. details: JSON values, no secret among them.
    """
    event = AuditEvent(
        kind=kind, outcome=outcome, details=_details(details), **_author(by), **_on(subject)
    )
    await event.save()
    _log(event)


async def record_change(
    by: Actor | AuditActor,
    kind: AuditKind,
    before: Subject,
    after: Subject,
    columns: Iterable[str],
) -> None:
    """Adds an event that tells what is different; none where nothing is."""
    details = differences(before, after, columns)
    if details["fields"]:
        await record(by, kind, before, **details)


async def record_each(
    by: Actor | AuditActor, kind: AuditKind, subjects: Iterable[Subject], **details: Any
) -> None:
    """Adds an event for each subject."""
    await record_all(by, [Entry(kind, subject, details) for subject in subjects])


async def record_all(by: Actor | AuditActor, entries: Iterable[Entry]) -> None:
    """Adds an event for each entry, in few statements for any number of them."""
    common = {"outcome": AuditOutcome.SUCCEEDED, **_author(by)}
    events = [
        AuditEvent(kind=entry.kind, details=_details(entry.details), **common, **_on(entry.subject))
        for entry in entries
    ]
    await AuditEvent.bulk_create(events, batch_size=BATCH)
    for event in events:
        _log(event)


def creation(row: Subject) -> dict[str, Any]:
    """Details of something new: the values that may be told."""
    told = sorted(TOLD & type(row)._meta.db_fields)
    return {"values": {to_camel(column): getattr(row, column) for column in told}}


def differences(before: Subject, after: Subject, columns: Iterable[str]) -> dict[str, Any]:
    """Details of a change: which columns are different, and the values that may be told."""
    return changes_between(
        {column: getattr(before, column) for column in columns},
        {column: getattr(after, column) for column in columns},
    )


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The same of the values of columns."""
    changed = [column for column in after if before[column] != after[column]]
    values = {
        to_camel(column): {"from": before[column], "to": after[column]}
        for column in changed
        if column in TOLD
    }
    return {"fields": sorted(map(to_camel, changed)), "values": values}


def about(row: Group | WebApp) -> dict[str, Any]:
    """What details say about something beside the subject."""
    told = {"id": row.id, "name": row.name}
    return told | {"canAdmin": row.can_admin} if isinstance(row, Group) else told


def plain(text: str, limit: int) -> str:
    """What does nothing to a screen, a log or a database: escapes instead of control characters."""
    shown = (letter if letter.isprintable() else _escaped(letter) for letter in text[:limit])
    return "".join(shown)[:limit]


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


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


def _details(given: Mapping[str, Any]) -> dict[str, Any]:
    return {to_camel(name): _plain_value(value) for name, value in given.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value, DETAIL_LENGTH)
    if isinstance(value, dict):
        return {key: _plain_value(each) for key, each in value.items()}
    return [_plain_value(each) for each in value] if isinstance(value, list) else value


def _log(event: AuditEvent) -> None:
    line = {
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
    logger.info("%s", orjson.dumps(line).decode())


def _reference(kind: str, row_id: int | None, name: str) -> dict[str, Any]:
    return {"type": kind, "id": row_id, "name": name}


@dataclass(frozen=True, slots=True)
class AuditEventFilter:
    """Which events to look for; what is None does not matter.

    since, until: the first moment that counts, and the first that does not any more.
    """

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


def search(wanted: AuditEventFilter) -> QuerySet[AuditEvent]:
    """The events that meet the conditions."""
    return AuditEvent.filter(*wanted.conditions())


def own(actor: Actor, owner: User) -> QuerySet[AuditEvent]:
    """What the owner has done, and what was done about the owner.

    Raises Unauthenticated, and Forbidden for others.
    """
    if actor.user.id != owner.id:
        raise Forbidden("Look under `admin` for the events of others.")
    return AuditEvent.filter(
        Q(actor_id=owner.id) | Q(subject_type=AuditSubject.USER, subject_id=owner.id)
    )


async def visible_to(actor: Actor) -> QuerySet[AuditEvent]:
    """Every one for administrators, else one's own."""
    return AuditEvent.all() if await actor.is_admin() else own(actor, actor.user)


async def event(actor: Actor, event_id: int) -> AuditEvent:
    """One of the actor's own, for administrators any. Raises NotFound for all others."""
    found = await (await visible_to(actor)).get_or_none(id=event_id)
    if found is None:
        raise NotFound
    return found


async def shows_origin(actor: Actor, row: AuditEvent) -> bool:
    """Whether the actor may know from where it was done.

    Where another person has done it, administrators only.
    """
    own_or_nobodys = row.actor_id in (None, actor.user.id)
    return own_or_nobodys or await actor.is_admin()
