from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

import models
from resolvers import audit as events
from resolvers.errors import BadUserInput, Complaint
from resolvers.pages import BY_ID, Direction, page, page_arguments
from schema.context import PortalInfo
from schema.enums import AuditActor, AuditKind, AuditOutcome, AuditSubject, Permission
from schema.guard import guard
from schema.relay import (
    NO_ID,
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
    from schema.users import User

NEWEST_FIRST = BY_ID.directed(Direction.DESC)


@strawberry.type(
    description="Something that happened, as it was then: readable by whoever did it, by the user"
    " that it is about, and by administrators.",
    directives=guard(Permission.SEE_AUDIT_EVENT),
)
class AuditEvent(Node):
    row: strawberry.Private[models.AuditEvent]
    happened_at: datetime = strawberry.field(description="When it happened.")
    kind: AuditKind = strawberry.field(description="What happened, or was tried.")
    outcome: AuditOutcome = strawberry.field(description="What came of it.")
    actor_type: AuditActor = strawberry.field(description="Which kind of actor did it.")
    actor_id: strawberry.ID | None = strawberry.field(
        description="The global id of the user who did it, who may be gone; null for others."
    )
    actor_name: str = strawberry.field(
        description="The user name of that time; empty where no user did it."
    )
    subject_type: AuditSubject | None = strawberry.field(
        description="What it was done to; null for the portal as a whole, and for unknown names."
    )
    subject_id: strawberry.ID | None = strawberry.field(
        description="The global id of what it was done to, which may be gone; null for nothing."
    )
    subject_name: str = strawberry.field(
        description="The name that it had before; empty for nothing."
    )
    request_id: str = strawberry.field(
        description="The `X-Request-Id` of the answer; empty where there was no request."
    )
    details: JSON = strawberry.field(
        description="More about it: an object whose keys depend on the kind, and never a secret."
        " Changes have the names of `fields`; they and new things have those `values` that are"
        " harmless."
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
        description="The network address that it came from, empty where there was no request. Null"
        " where somebody else did it, except for administrators."
    )
    async def address(self, info: PortalInfo) -> str | None:
        shown = await events.shows_origin(info.context.actor, self.row)
        return self.row.address if shown else None

    @strawberry.field(
        description="What the client called itself, may be empty. Null where somebody else did it,"
        " except for administrators."
    )
    async def client(self, info: PortalInfo) -> str | None:
        shown = await events.shows_origin(info.context.actor, self.row)
        return self.row.client if shown else None


def _subject_id(row: models.AuditEvent) -> strawberry.ID | None:
    if row.subject_type is None or row.subject_id is None:
        return None
    return global_id(row.subject_type.value, row.subject_id)


@strawberry.input(description="Which events to look for: all that is given has to hold.")
class AuditEventFilter:
    actor_type: AuditActor | None = strawberry.field(
        default=None, description="Those that were done by such an actor."
    )
    actor: strawberry.ID | None = strawberry.field(
        default=None, description="Those that the user with this global id has done."
    )
    subject: strawberry.ID | None = strawberry.field(
        default=None, description="Those about the user, group or web app with this global id."
    )
    kinds: list[AuditKind] | None = strawberry.field(
        default=None, description="Those of one of these kinds."
    )
    outcome: AuditOutcome | None = strawberry.field(
        default=None, description="Those that came to this."
    )
    since: datetime | None = strawberry.field(
        default=None, description="Those at this moment or later."
    )
    until: datetime | None = strawberry.field(default=None, description="Those before this moment.")

    def wanted(self) -> events.AuditEventFilter:
        """Raises BadUserInput for ids of something else."""
        actor = _reference("actor", self.actor) if self.actor else None
        if actor and actor[0] != AuditSubject.USER:
            raise BadUserInput(Complaint(NO_ID, "actor"))
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
    AuditEventFilter | None, strawberry.argument(description="Which events; without one, all.")
]


def _reference(field: str, given: str) -> tuple[AuditSubject, int]:
    try:
        type_name, row_id = parse_global_id(given)
        return AuditSubject(type_name), row_id
    except (BadUserInput, ValueError):
        raise BadUserInput(Complaint(NO_ID, field)) from None


@strawberry.field(
    description="What the user has done and what was done about the user, the newest first. For"
    " that user only; administrators find all events under `admin`.",
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
    found = await page(query, page_arguments(first, after, last, before, NEWEST_FIRST))
    return Connection[AuditEvent].of(found, AuditEvent.of, query.count)
