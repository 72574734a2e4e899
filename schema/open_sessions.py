from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from resolvers import open_sessions
from resolvers.errors import PortalError
from schema.context import Context, PortalInfo
from schema.enums import Permission, SignInMethod
from schema.errors import UserError, user_errors
from schema.guard import guard
from schema.node import global_id, parse_unique_id

if TYPE_CHECKING:
    from schema.users import User


@strawberry.type(
    description="A sign-in that is still good: readable by its user and administrators.",
    directives=guard(Permission.SEE_SESSIONS),
)
class Session:
    id: strawberry.ID = strawberry.field(description="An opaque id, for `endSession`.")
    method: SignInMethod = strawberry.field(description="How it began.")
    created_at: datetime = strawberry.field(description="When the user signed in.")
    last_used_at: datetime = strawberry.field(description="The last use, to the minute.")
    expires_at: datetime = strawberry.field(
        description="When it ends at the latest; unused for long, it ends before."
    )
    address: str = strawberry.field(description="The network address of the sign-in.")
    client: str = strawberry.field(description="What the client called itself, may be empty.")
    is_current: bool = strawberry.field(description="True for the session of this request.")

    @classmethod
    def of(cls, row: models.Session, context: Context) -> Session:
        current = context.actor.session
        return cls(
            id=global_id("Session", row.id),
            method=row.method,
            created_at=row.created_at,
            last_used_at=row.last_used_at or row.created_at,
            expires_at=row.expires_at,
            address=row.address,
            client=row.client,
            is_current=current is not None and current.id == row.id,
        )


@strawberry.field(
    description="The sign-ins that were used last, up to 100. For the user and administrators.",
    directives=guard(Permission.SEE_SESSIONS),
)
async def sessions(root: User, info: PortalInfo) -> list[Session] | None:
    rows = await open_sessions.sessions_of(info.context.actor, root.row)
    return [Session.of(row, info.context) for row in rows]


@strawberry.input(description="Which session to end.")
class EndSessionInput:
    id: strawberry.ID = strawberry.field(description="The `id` of the session.")


@strawberry.type(description="The outcome of ending a session.")
class EndSessionPayload:
    errors: list[UserError] = strawberry.field(description="Empty when the session has ended.")


@strawberry.type(description="The outcome of ending all sessions but the present one.")
class EndOtherSessionsPayload:
    ended_count: int = strawberry.field(description="How many sessions were ended.")
    errors: list[UserError] = strawberry.field(description="Empty when they have ended.")


Ending = Annotated[EndSessionInput, strawberry.argument(description="Which session to end.")]


@strawberry.mutation(
    description="End a session of one's own, or as an administrator anybody's: its access token is"
    " refused from now on. NOT_FOUND for any other.",
    directives=guard(Permission.END_SESSIONS),
)
async def end_session(info: PortalInfo, input: Ending) -> EndSessionPayload:
    try:
        session_id = parse_unique_id(input.id, "Session")
        await open_sessions.end_session(info.context.actor, session_id)
    except PortalError as error:
        return EndSessionPayload(errors=user_errors(error))
    return EndSessionPayload(errors=[])


@strawberry.mutation(
    description="End all sessions of one's own but the present one. Personal access tokens stay.",
    directives=guard(Permission.END_OTHER_SESSIONS),
)
async def end_other_sessions(info: PortalInfo) -> EndOtherSessionsPayload:
    try:
        count = await open_sessions.end_other_sessions(info.context.actor)
    except PortalError as error:
        return EndOtherSessionsPayload(ended_count=0, errors=user_errors(error))
    return EndOtherSessionsPayload(ended_count=count, errors=[])
