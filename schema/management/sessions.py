from __future__ import annotations

from typing import Annotated

import strawberry

import models
from resolvers.errors import PortalError
from resolvers.management import sessions
from schema.context import PortalInfo
from schema.enums import Permission
from schema.errors import UserError, user_errors
from schema.guard import guard
from schema.management.outcomes import DATABASE_ID, ERRORS, outcome
from schema.users import User


@strawberry.input(description="A new password for somebody.")
class SetPasswordInput:
    database_id: int = strawberry.field(description=DATABASE_ID)
    password: str = strawberry.field(
        description="8 to 128 characters of any kind that are not easy to guess."
    )


@strawberry.input(description="Whose sessions to end.")
class ResetSessionsInput:
    database_id: int = strawberry.field(description=DATABASE_ID)
    include_current: bool = strawberry.field(
        default=False, description="True ends also the session of this request."
    )


@strawberry.type(description="The outcome of setting a password.")
class SetPasswordPayload:
    user: User | None = strawberry.field(
        description="Whose password was set; null when it was not."
    )
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type(description="The outcome of ending somebody's sessions.")
class ResetSessionsPayload:
    user: User | None = strawberry.field(
        description="Whose sessions have ended; null when none have."
    )
    ended_count: int = strawberry.field(
        description="How many sessions and personal access tokens were ended."
    )
    errors: list[UserError] = strawberry.field(description=ERRORS)


PasswordArgument = Annotated[
    SetPasswordInput, strawberry.argument(description="Whose password to set.")
]
ResetArgument = Annotated[
    ResetSessionsInput, strawberry.argument(description="Whose sessions to end.")
]


@strawberry.mutation(
    description="Set somebody else's password, as an administrator who is signed in: personal"
    " access tokens can't. Ends the user's sessions and personal access tokens. A declaration that"
    " names a password sets that one again.",
    directives=guard(Permission.SET_PASSWORD),
)
async def set_password(info: PortalInfo, input: PasswordArgument) -> SetPasswordPayload:
    context = info.context
    action = sessions.set_password(
        context.services, context.actor, input.database_id, input.password
    )
    row, errors = await outcome(action, models.User, context)
    return SetPasswordPayload(user=User.of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="End all sessions and personal access tokens of somebody, as an administrator:"
    " they are refused from now on.",
    directives=guard(Permission.MANAGE_USERS),
)
async def reset_sessions(info: PortalInfo, input: ResetArgument) -> ResetSessionsPayload:
    try:
        user, count = await sessions.reset_sessions(
            info.context.actor, input.database_id, including_current=input.include_current
        )
    except PortalError as error:
        return ResetSessionsPayload(user=None, ended_count=0, errors=user_errors(error))
    return ResetSessionsPayload(user=User.of(user), ended_count=count, errors=[])
