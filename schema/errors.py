from __future__ import annotations

import strawberry

from resolvers.errors import BadUserInput, PortalError, RateLimited, Unavailable
from schema.enums import ErrorCode


@strawberry.type(description="An expected failure of a mutation.")
class UserError:
    code: ErrorCode = strawberry.field(description="What kind of failure it is.")
    message: str = strawberry.field(description="What is wrong, for people to read.")
    field: str | None = strawberry.field(
        description="The input field that it is about, as in `username`, or `users.1` for the"
        " second item of a list; null when it is about the whole input."
    )
    retry_after: int | None = strawberry.field(
        default=None,
        description="After RATE_LIMITED, and where it is known after UNAVAILABLE, in how many"
        " seconds to try again; else null.",
    )


def user_errors(error: PortalError) -> list[UserError]:
    if isinstance(error, BadUserInput):
        return [
            UserError(code=error.code, message=complaint.message, field=complaint.field)
            for complaint in error.complaints
        ]
    retry_after = error.retry_after if isinstance(error, RateLimited | Unavailable) else None
    return [UserError(code=error.code, message=error.message, field=None, retry_after=retry_after)]
