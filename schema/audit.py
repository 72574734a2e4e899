"""The audit log."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

import models
from resolvers import audit as events
from resolvers.errors import BadUserInput, FieldError
from resolvers.pages import DateTimeOrder, Direction, page_arguments
from schema.context import PortalInfo
from schema.enums import AuditActor, AuditKind, AuditOutcome, AuditSubject, Permission
from schema.guard import guard
from schema.relay import (
    INVALID_ID,
    After,
    Before,
    Connection,
    First,
    Last,
    Node,
    global_id,
    parse_global_id,
)

if TYPE_CHECKING:
    from schema.types import User

NEWEST_FIRST = DateTimeOrder("happened_at").directed(Direction.DESC)


@strawberry.type(
    description="An event of the audit log, with the names of that time. Readable by the user who"
    " acted, by the user who is its subject, and by administrators.",
    directives=guard(Permission.SEE_AUDIT_EVENT),
)
class AuditEvent(Node):
    row: strawberry.Private[models.AuditEvent]
    happened_at: datetime = strawberry.field(description="Time of the event.")
    kind: AuditKind = strawberry.field(description="The kind of event.")
    outcome: AuditOutcome = strawberry.field(description="The outcome of the event.")
    actor_type: AuditActor = strawberry.field(description="The kind of actor.")
    actor_id: strawberry.ID | None = strawberry.field(
        description="The global id of the acting user, who may have been deleted; null for other"
        " actors."
    )
    actor_name: str = strawberry.field(
        description="The name of the acting user; empty for other actors."
    )
    subject_type: AuditSubject | None = strawberry.field(
        description="The type of the subject; null for the portal as a whole and for unknown user"
        " names."
    )
    subject_id: strawberry.ID | None = strawberry.field(
        description="The global id of the subject, which may have been deleted; null without one."
    )
    subject_name: str = strawberry.field(
        description="The name of the subject before the event; empty without one."
    )
    request_id: str = strawberry.field(
        description="The `X-Request-Id` of the response; empty without a request."
    )
    details: JSON = strawberry.field(
        description="An object with details, whose keys depend on the kind. It contains no secrets."
        " Changes list the names of the changed `fields`. Changes and creations contain those new"
        " `values` that are not sensitive."
    )

    @classmethod
    def of(cls, row: models.AuditEvent) -> AuditEvent:
        return cls(
            row=row,
            id=global_id("AuditEvent", row.id),
            happened_at=row.happened_at,
            kind=row.kind,
            outcome=row.outcome,
            actor_type=row.actor_type,
            actor_id=None if row.actor_id is None else global_id("User", row.actor_id),
            actor_name=row.actor_name,
            subject_type=row.subject_type,
            subject_id=_subject_id(row),
            subject_name=row.subject_name,
            request_id=row.request_id,
            details=JSON(row.details),
        )

    @strawberry.field(
        description="The network address of the client; empty without a request. Null for events of"
        " other users, except for administrators."
    )
    def address(self, info: PortalInfo) -> str | None:
        shown = events.shows_origin(info.context.actor, self.row)
        return self.row.address if shown else None

    @strawberry.field(
        description="The `User-Agent` of the client; may be empty. Null for events of other users,"
        " except for administrators."
    )
    def client(self, info: PortalInfo) -> str | None:
        shown = events.shows_origin(info.context.actor, self.row)
        return self.row.client if shown else None


def _subject_id(row: models.AuditEvent) -> strawberry.ID | None:
    if row.subject_type is None or row.subject_id is None:
        return None
    return global_id(row.subject_type.value, row.subject_id)


@strawberry.input(description="Conditions for events, all of which must hold.")
class AuditEventFilter:
    actor_type: AuditActor | None = strawberry.field(
        default=None, description="Only events of this kind of actor."
    )
    actor: strawberry.ID | None = strawberry.field(
        default=None, description="Only events whose acting user has this global id."
    )
    subject: strawberry.ID | None = strawberry.field(
        default=None, description="Only events whose subject has this global id."
    )
    kinds: list[AuditKind] | None = strawberry.field(
        default=None, description="Only events of these kinds."
    )
    outcome: AuditOutcome | None = strawberry.field(
        default=None, description="Only events with this outcome."
    )
    since: datetime | None = strawberry.field(
        default=None, description="Only events at or after this time."
    )
    until: datetime | None = strawberry.field(
        default=None, description="Only events before this time."
    )

    def as_filter(self) -> events.AuditEventFilter:
        """Raises BadUserInput for ids of objects of other types."""
        actor = _reference("actor", self.actor) if self.actor else None
        if actor and actor[0] != AuditSubject.USER:
            raise BadUserInput(FieldError(INVALID_ID, ("actor",)))
        subject = _reference("subject", self.subject) if self.subject else None
        return events.AuditEventFilter(
            actor_type=self.actor_type,
            actor_id=actor[1] if actor else None,
            subject_type=subject[0] if subject else None,
            subject_id=subject[1] if subject else None,
            kinds=self.kinds,
            outcome=self.outcome,
            since=self.since,
            until=self.until,
        )


AuditEventFilterArgument = Annotated[
    AuditEventFilter | None,
    strawberry.argument(description="Conditions for events; by default, all events."),
]


def _reference(field: str, global_id: str) -> tuple[AuditSubject, int]:
    try:
        type_name, row_id = parse_global_id(global_id)
        return AuditSubject(type_name), row_id
    except (BadUserInput, ValueError):
        raise BadUserInput(FieldError(INVALID_ID, (field,))) from None


@strawberry.field(
    description="The events with the user as actor or subject, newest first. Readable by the user"
    " only; administrators read all events under `admin`.",
    directives=guard(Permission.LIST_AUDIT_EVENTS),
)
async def audit_events(
    root: User,
    info: PortalInfo,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[AuditEvent] | None:
    query = events.own(info.context.actor, root.row)
    arguments = page_arguments(first, after, last, before, NEWEST_FIRST)
    return await Connection[AuditEvent].read(query, arguments, AuditEvent.of)
