"""Sign-ins, sessions, personal access tokens and passwords."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, Self

import strawberry

import models
import resolvers.sessions
import resolvers.sign_in
from auth.google import GoogleIdentity, GoogleSignIn
from resolvers import passwords
from resolvers.sessions import NewToken
from resolvers.sign_in import SignIn
from schema.context import Context, PortalInfo
from schema.enums import Permission, Scope, SignInMethod
from schema.guard import guard
from schema.mutations import Input, Payload
from schema.relay import LazyUser, global_id, parse_unique_id, user_of

if TYPE_CHECKING:
    from schema.types import User

ADDRESS = "The network address of the sign-in."
CLIENT = "The `User-Agent` of the client; may be empty."
USER_ID = "The integer id of the user."
NEW_PASSWORD = "8 to 128 characters that are hard to guess, compared exactly as typed."  # noqa: S105
TOKEN_TYPE = "PersonalAccessToken"  # noqa: S105


@strawberry.input(description="The input of `login`.")
class LoginInput:
    username: str = strawberry.field(description="The user name. Case-insensitive.")
    password: str = strawberry.field(description="The password.")


@strawberry.input(description="An ID token that was requested with a nonce.")
class GoogleIdTokenInput:
    id_token: str = strawberry.field(description="The ID token, a JWT.")
    nonce: str = strawberry.field(description="The nonce of the request.")


@strawberry.input(description="An authorization code of Google.")
class GoogleCodeInput:
    code: str = strawberry.field(description="The authorization code.")
    redirect_uri: str = strawberry.field(
        description="The redirect URI of the authorization request."
    )
    code_verifier: str | None = strawberry.field(
        default=None,
        description="The secret of the `code_challenge` in the authorization request (PKCE).",
    )
    nonce: str | None = strawberry.field(
        default=None, description="The nonce of the authorization request, if it had one."
    )


@strawberry.input(
    one_of=True,
    description="The input of `loginWithGoogle`: one of the credentials that Google issues to"
    " clients.",
)
class LoginWithGoogleInput:
    access_token: strawberry.Maybe[str] = strawberry.field(
        description="An access token that was issued to the client id of the portal."
    )
    id_token: strawberry.Maybe[str] = strawberry.field(
        description="An ID token that was requested without a nonce."
    )
    id_token_with_nonce: strawberry.Maybe[GoogleIdTokenInput] = strawberry.field(
        description="An ID token with its nonce."
    )
    code: strawberry.Maybe[GoogleCodeInput] = strawberry.field(
        description="An authorization code, preferably with PKCE."
    )

    def identity(self, provider: GoogleSignIn) -> Awaitable[GoogleIdentity]:
        if self.access_token:
            return provider.by_access_token(self.access_token.value)
        if self.id_token:
            return provider.by_id_token(self.id_token.value)
        if self.id_token_with_nonce:
            token = self.id_token_with_nonce.value
            return provider.by_id_token(token.id_token, nonce=token.nonce)
        code = self.code.value  # type: ignore[union-attr]  # @oneOf: exactly one is present
        return provider.by_code(
            code.code,
            redirect_uri=code.redirect_uri,
            code_verifier=code.code_verifier,
            nonce=code.nonce,
        )


@strawberry.type(description="The result of `login` and `loginWithGoogle`.")
class LoginPayload(Payload):
    access_token: str | None = strawberry.field(
        default=None,
        description="The token for the header `Authorization: Bearer`; null after a failure.",
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="Expiry time of the session; null after a failure."
    )
    user: LazyUser | None = strawberry.field(
        default=None, description="The user of the session; null after a failure."
    )

    @classmethod
    async def of(cls, row: SignIn, context: Context) -> Self:
        context.sign_in(row.actor)
        return cls(
            access_token=row.access_token,
            expires_at=row.expires_at,
            user=user_of(row.actor.user),
        )


@strawberry.type(description="The result of `logout`.")
class LogoutPayload(Payload):
    pass


@strawberry.mutation(
    description="Signs in with a user name and a password.",
    directives=guard(Permission.SIGN_IN),
)
async def login(info: PortalInfo, input: Input[LoginInput]) -> LoginPayload:
    context = info.context
    sign_in = await resolvers.sign_in.login(
        context.services, context.actor.client, input.username, input.password
    )
    return await LoginPayload.of(sign_in, context)


@strawberry.mutation(
    description="Signs in with Google. BAD_USER_INPUT if the operator has not configured it.",
    directives=guard(Permission.SIGN_IN),
)
async def login_with_google(info: PortalInfo, input: Input[LoginWithGoogleInput]) -> LoginPayload:
    context = info.context
    sign_in = await resolvers.sign_in.login_with_google(
        context.services, context.actor.client, input.identity
    )
    return await LoginPayload.of(sign_in, context)


@strawberry.mutation(
    description="Ends the session of the request: its access token becomes invalid. Never fails.",
    directives=guard(Permission.SIGN_IN),
)
async def logout(info: PortalInfo) -> LogoutPayload:
    await resolvers.sessions.logout(info.context.actor)
    return LogoutPayload()


@strawberry.type(
    description="A session that has not ended. Readable by its user and by administrators.",
    directives=guard(Permission.SEE_SESSIONS),
)
class Session:
    id: strawberry.ID = strawberry.field(description="The opaque id, for `endSession`.")
    method: SignInMethod = strawberry.field(description="How the user signed in.")
    created_at: datetime = strawberry.field(description="Time of the sign-in.")
    last_used_at: datetime = strawberry.field(
        description="Time of the last request, accurate to a minute."
    )
    expires_at: datetime = strawberry.field(
        description="Expiry time. A session that is not used for long ends earlier."
    )
    address: str = strawberry.field(description=ADDRESS)
    client: str = strawberry.field(description=CLIENT)
    is_current: bool = strawberry.field(description="Whether this is the session of the request.")

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


@strawberry.type(
    description="A credential for programs that act for a user. Readable by that user and by"
    " administrators, except for the token itself.",
    directives=guard(Permission.SEE_SESSIONS),
)
class PersonalAccessToken:
    id: strawberry.ID = strawberry.field(
        description="The opaque id, for `deletePersonalAccessToken`."
    )
    name: str = strawberry.field(description="The purpose of the token.")
    scopes: list[Scope] = strawberry.field(description="The scopes of the token.")
    created_at: datetime = strawberry.field(description="Creation time.")
    expires_at: datetime = strawberry.field(description="Expiry time.")
    last_used_at: datetime | None = strawberry.field(
        description="Time of the last request, accurate to a minute; null before the first one."
    )
    address: str = strawberry.field(
        description="The network address of the last request; empty before the first one."
    )
    client: str = strawberry.field(
        description="The `User-Agent` of the last request; may be empty."
    )

    @classmethod
    def of(cls, row: models.Session) -> PersonalAccessToken:
        return cls(
            id=global_id(TOKEN_TYPE, row.id),
            name=row.name,
            scopes=[Scope(scope) for scope in row.scopes or ()],
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            address=row.address,
            client=row.client,
        )


@strawberry.field(
    description="The 100 sessions that were used last. Readable by the user and by administrators.",
    directives=guard(Permission.SEE_SESSIONS),
)
async def sessions(root: User, info: PortalInfo) -> list[Session] | None:
    rows = await resolvers.sessions.sessions_of(info.context.actor, root.row)
    return [Session.of(row, info.context) for row in rows]


@strawberry.field(
    description="The personal access tokens, newest first. Readable by the user and by"
    " administrators.",
    directives=guard(Permission.SEE_SESSIONS),
)
async def personal_access_tokens(root: User, info: PortalInfo) -> list[PersonalAccessToken] | None:
    rows = await resolvers.sessions.tokens_of(info.context.actor, root.row)
    return [PersonalAccessToken.of(row) for row in rows]


@strawberry.input(description="The input of `endSession`.")
class EndSessionInput:
    id: strawberry.ID = strawberry.field(description="The `id` of the session.")


@strawberry.input(description="The input of `resetSessions`.")
class ResetSessionsInput:
    database_id: int = strawberry.field(description=USER_ID)
    include_current: bool = strawberry.field(
        default=False, description="Whether the session of the request ends as well."
    )


@strawberry.type(description="The result of `endSession`.")
class EndSessionPayload(Payload):
    pass


@strawberry.type(description="The result of `endOtherSessions`.")
class EndOtherSessionsPayload(Payload):
    ended_count: int = strawberry.field(default=0, description="Number of ended sessions.")


@strawberry.type(description="The result of `resetSessions`.")
class ResetSessionsPayload(Payload):
    user: LazyUser | None = strawberry.field(
        default=None, description="The user; null after a failure."
    )
    ended_count: int = strawberry.field(
        default=0, description="Number of ended sessions and personal access tokens."
    )


@strawberry.mutation(
    description="Ends a session of the requesting user; administrators may end sessions of every"
    " user. Its access token becomes invalid. NOT_FOUND for any other session.",
    directives=guard(Permission.END_SESSIONS),
)
async def end_session(info: PortalInfo, input: Input[EndSessionInput]) -> EndSessionPayload:
    session_id = parse_unique_id(input.id, "Session")
    await resolvers.sessions.end_session(info.context.actor, session_id)
    return EndSessionPayload()


@strawberry.mutation(
    description="Ends all sessions of the requesting user except for the current one. Personal"
    " access tokens remain.",
    directives=guard(Permission.END_OTHER_SESSIONS),
)
async def end_other_sessions(info: PortalInfo) -> EndOtherSessionsPayload:
    count = await resolvers.sessions.end_other_sessions(info.context.actor)
    return EndOtherSessionsPayload(ended_count=count)


@strawberry.mutation(
    description="Ends all sessions and personal access tokens of a user. For administrators.",
    directives=guard(Permission.MANAGE_USERS),
)
async def reset_sessions(
    info: PortalInfo, input: Input[ResetSessionsInput]
) -> ResetSessionsPayload:
    user, count = await resolvers.sessions.reset_sessions(
        info.context.services,
        info.context.actor,
        input.database_id,
        including_current=input.include_current,
    )
    return ResetSessionsPayload(user=user_of(user), ended_count=count)


@strawberry.input(description="The input of `createPersonalAccessToken`.")
class CreatePersonalAccessTokenInput:
    name: str = strawberry.field(description="The purpose of the token, 1 to 100 characters.")
    scopes: list[Scope] = strawberry.field(description="The scopes of the token, at least one.")
    expires_at: strawberry.Maybe[datetime] = strawberry.field(
        description="Expiry time, at most 366 days from now; by default, 30 days from now."
    )

    def new_token(self) -> NewToken:
        expires_at = self.expires_at.value if self.expires_at else None
        return NewToken(self.name, self.scopes, expires_at)


@strawberry.input(description="The input of `deletePersonalAccessToken`.")
class DeletePersonalAccessTokenInput:
    id: strawberry.ID = strawberry.field(description="The `id` of the token.")


@strawberry.type(description="The result of `createPersonalAccessToken`.")
class CreatePersonalAccessTokenPayload(Payload):
    token: str | None = strawberry.field(
        default=None,
        description="The secret for the header `Authorization: Bearer`, which can't be read again;"
        " null after a failure.",
    )
    personal_access_token: PersonalAccessToken | None = strawberry.field(
        default=None, description="The created token; null after a failure."
    )


@strawberry.type(description="The result of `deletePersonalAccessToken`.")
class DeletePersonalAccessTokenPayload(Payload):
    pass


@strawberry.mutation(
    description="Creates a personal access token for the requesting user, up to 50 per user. The"
    " sign-in must not be older than 15 minutes.",
    directives=guard(Permission.CREATE_TOKEN),
)
async def create_personal_access_token(
    info: PortalInfo, input: Input[CreatePersonalAccessTokenInput]
) -> CreatePersonalAccessTokenPayload:
    context = info.context
    row, token = await resolvers.sessions.create_token(
        context.services, context.actor, input.new_token()
    )
    return CreatePersonalAccessTokenPayload(
        token=token, personal_access_token=PersonalAccessToken.of(row)
    )


@strawberry.mutation(
    description="Deletes a personal access token of the requesting user; administrators may delete"
    " tokens of every user. NOT_FOUND for any other token.",
    directives=guard(Permission.END_SESSIONS),
)
async def delete_personal_access_token(
    info: PortalInfo, input: Input[DeletePersonalAccessTokenInput]
) -> DeletePersonalAccessTokenPayload:
    token_id = parse_unique_id(input.id, TOKEN_TYPE)
    await resolvers.sessions.end_session(info.context.actor, token_id)
    return DeletePersonalAccessTokenPayload()


@strawberry.input(description="The input of `changePassword`.")
class ChangePasswordInput:
    current_password: str = strawberry.field(
        description="The current password. RATE_LIMITED after ten wrong ones within 15 minutes."
    )
    new_password: str = strawberry.field(description=f"The new password: {NEW_PASSWORD}")


@strawberry.input(description="The input of `setPassword`.")
class SetPasswordInput:
    database_id: int = strawberry.field(description=USER_ID)
    password: str = strawberry.field(description=f"The new password: {NEW_PASSWORD}")


@strawberry.type
class PasswordPayload(Payload):
    user: LazyUser | None = strawberry.field(
        default=None, description="The user; null after a failure."
    )


@strawberry.type(description="The result of `changePassword`.")
class ChangePasswordPayload(PasswordPayload):
    pass


@strawberry.type(description="The result of `setPassword`.")
class SetPasswordPayload(PasswordPayload):
    pass


@strawberry.mutation(
    description="Changes the password of the requesting user, and ends the user's other sessions"
    " and personal access tokens. A password that the operator declares for the user is set"
    " again when the declaration is applied.",
    directives=guard(Permission.CHANGE_PASSWORD),
)
async def change_password(
    info: PortalInfo, input: Input[ChangePasswordInput]
) -> ChangePasswordPayload:
    context = info.context
    row = await passwords.change_password(
        context.services, context.actor, input.current_password, input.new_password
    )
    return ChangePasswordPayload(user=user_of(row))


@strawberry.mutation(
    description="Sets the password of another user, and ends the user's sessions and personal"
    " access tokens. For administrators; FORBIDDEN for personal access tokens. A password that the"
    " operator declares for the user is set again when the declaration is applied.",
    directives=guard(Permission.SET_PASSWORD),
)
async def set_password(info: PortalInfo, input: Input[SetPasswordInput]) -> SetPasswordPayload:
    context = info.context
    row = await passwords.set_password(
        context.services, context.actor, input.database_id, input.password
    )
    return SetPasswordPayload(user=user_of(row))
