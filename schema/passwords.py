from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers import passwords
from resolvers.errors import PortalError
from schema.context import PortalInfo
from schema.enums import Permission
from schema.errors import UserError, user_errors
from schema.guard import guard
from schema.users import User


@strawberry.input(description="A change of one's own password.")
class ChangePasswordInput:
    current_password: str = strawberry.field(
        description="The password as it is. RATE_LIMITED after ten wrong ones within 15 minutes."
    )
    new_password: str = strawberry.field(
        description="The new one: 8 to 128 characters of any kind, compared exactly as they are"
        " typed. What is easy to guess is refused."
    )


@strawberry.type(description="The outcome of a change of the password.")
class ChangePasswordPayload:
    user: User | None = strawberry.field(
        description="Whose password was changed; null when it was not."
    )
    errors: list[UserError] = strawberry.field(
        description="Empty when the change was made; other sessions and tokens have ended then."
    )


ChangePasswordArgument = Annotated[
    ChangePasswordInput, strawberry.argument(description="The old password and the new one.")
]


@strawberry.mutation(
    description="Change one's own password, and end one's other sessions and personal access"
    " tokens. A password that the operator declares for the user is set again when the"
    " declaration is applied.",
    directives=guard(Permission.CHANGE_PASSWORD),
)
async def change_password(info: PortalInfo, input: ChangePasswordArgument) -> ChangePasswordPayload:
    context = info.context
    given = input.current_password, input.new_password
    try:
        user = await passwords.change_password(context.services, context.actor, *given)
    except PortalError as error:
        return ChangePasswordPayload(user=None, errors=user_errors(error))
    return ChangePasswordPayload(user=User.of(user), errors=[])
