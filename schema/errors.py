from __future__ import annotations

import strawberry

from resolvers.errors import BadUserInput, PortalError
from schema.enums import ErrorCode


@strawberry.type(description="An expected failure of a mutation.")
class UserError:
    code: ErrorCode = strawberry.field(description="What kind of failure it is.")
    message: str = strawberry.field(description="What is wrong, for people to read.")
    field: str | None = strawberry.field(
        description="The input field that it is about; null when it is about the whole input."
    )


def user_errors(error: PortalError) -> list[UserError]:
    if isinstance(error, BadUserInput):
        return [
            UserError(code=error.code, message=complaint.message, field=complaint.field)
            for complaint in error.complaints
        ]
    return [UserError(code=error.code, message=error.message, field=None)]
