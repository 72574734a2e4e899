"""The audit log, for those who may read it: administrators, and everybody for what is theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from models import AuditActor, AuditEvent, AuditKind, AuditOutcome, AuditSubject, User
from resolvers.actor import Actor
from resolvers.errors import Forbidden, NotFound


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


async def search(actor: Actor, wanted: AuditEventFilter) -> QuerySet[AuditEvent]:
    """For administrators: those that are wanted."""
    await actor.require_admin()
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
