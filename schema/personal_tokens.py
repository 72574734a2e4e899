from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from resolvers import open_sessions, personal_tokens
from resolvers.errors import PortalError
from resolvers.personal_tokens import NewToken
from schema.context import PortalInfo
from schema.enums import Permission, Scope
from schema.errors import UserError, user_errors
from schema.guard import guard
from schema.node import global_id, parse_unique_id

if TYPE_CHECKING:
    from schema.users import User

TYPE = "PersonalAccessToken"


@strawberry.type(
    description="A key for programs that act for a user: readable by that user and administrators,"
    " but for the token itself, which is shown only once.",
    directives=guard(Permission.SEE_SESSIONS),
)
class PersonalAccessToken:
    id: strawberry.ID = strawberry.field(
        description="An opaque id, for `deletePersonalAccessToken`."
    )
    name: str = strawberry.field(description="What it is for, in the words of its user.")
    scopes: list[Scope] = strawberry.field(description="What it may be used for.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="When it ends by itself.")
    last_used_at: datetime | None = strawberry.field(
        description="The last use, to the minute; null before the first."
    )
    address: str = strawberry.field(description="The network address of the last use, or empty.")
    client: str = strawberry.field(description="The client of the last use, may be empty.")

    @classmethod
    def of(cls, row: models.Session) -> PersonalAccessToken:
        return cls(
            id=global_id(TYPE, row.id),
            name=row.name,
            scopes=[Scope(scope) for scope in row.scopes or ()],
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            address=row.address,
            client=row.client,
        )


@strawberry.field(
    description="The personal access tokens, the newest first. For the user and administrators.",
    directives=guard(Permission.SEE_SESSIONS),
)
async def personal_access_tokens(root: User, info: PortalInfo) -> list[PersonalAccessToken] | None:
    rows = await open_sessions.tokens_of(info.context.actor, root.row)
    return [PersonalAccessToken.of(row) for row in rows]


@strawberry.input(description="A personal access token to make for oneself.")
class CreatePersonalAccessTokenInput:
    name: str = strawberry.field(description="What it is for, 1 to 100 characters.")
    scopes: list[Scope] = strawberry.field(description="What it may be used for, at least one.")
    expires_at: strawberry.Maybe[datetime] = strawberry.field(
        description="When it ends, at most 366 days from now; after 30 days when absent."
    )

    def wanted(self) -> NewToken:
        expires_at = self.expires_at.value if self.expires_at else None
        return NewToken(self.name, self.scopes, expires_at)


@strawberry.type(description="The outcome of making a personal access token.")
class CreatePersonalAccessTokenPayload:
    token: str | None = strawberry.field(
        description="What goes behind `Authorization: Bearer`: a secret that is shown only now;"
        " null when there is none."
    )
    personal_access_token: PersonalAccessToken | None = strawberry.field(
        description="What is known about it; null when there is none."
    )
    errors: list[UserError] = strawberry.field(description="Empty when it was made.")


@strawberry.input(description="Which personal access token to delete.")
class DeletePersonalAccessTokenInput:
    id: strawberry.ID = strawberry.field(description="The `id` of the token.")


@strawberry.type(description="The outcome of deleting a personal access token.")
class DeletePersonalAccessTokenPayload:
    errors: list[UserError] = strawberry.field(description="Empty when it opens nothing any more.")


Wanted = Annotated[
    CreatePersonalAccessTokenInput,
    strawberry.argument(description="What it is for, and what it may be used for."),
]
Unwanted = Annotated[
    DeletePersonalAccessTokenInput, strawberry.argument(description="Which token to delete.")
]


@strawberry.mutation(
    description="Make a personal access token for oneself, within 15 minutes of a sign-in; 50 at"
    " most.",
    directives=guard(Permission.CREATE_TOKEN),
)
async def create_personal_access_token(
    info: PortalInfo, input: Wanted
) -> CreatePersonalAccessTokenPayload:
    context = info.context
    try:
        row, token = await personal_tokens.create_token(
            context.services, context.actor, input.wanted()
        )
    except PortalError as error:
        return CreatePersonalAccessTokenPayload(
            token=None, personal_access_token=None, errors=user_errors(error)
        )
    made = PersonalAccessToken.of(row)
    return CreatePersonalAccessTokenPayload(token=token, personal_access_token=made, errors=[])


@strawberry.mutation(
    description="Delete a personal access token of one's own, or as an administrator anybody's: it"
    " is refused from now on. NOT_FOUND for any other.",
    directives=guard(Permission.END_SESSIONS),
)
async def delete_personal_access_token(
    info: PortalInfo, input: Unwanted
) -> DeletePersonalAccessTokenPayload:
    try:
        token_id = parse_unique_id(input.id, TYPE)
        await open_sessions.end_session(info.context.actor, token_id)
    except PortalError as error:
        return DeletePersonalAccessTokenPayload(errors=user_errors(error))
    return DeletePersonalAccessTokenPayload(errors=[])
