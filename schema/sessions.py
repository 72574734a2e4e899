from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
import resolvers.sessions
import resolvers.sign_in
from auth.google import GoogleIdentity, GoogleSignIn
from resolvers import passwords
from resolvers.errors import PortalError
from resolvers.sessions import NewToken
from resolvers.sign_in import SignIn
from schema.context import Context, PortalInfo
from schema.enums import Permission, Scope, SignInMethod
from schema.errors import DATABASE_ID, outcome, user_errors
from schema.guard import guard
from schema.mutations import Payload
from schema.relay import LazyUser, global_id, parse_unique_id, user_of

if TYPE_CHECKING:
    from schema.users import User


@strawberry.input(description="A user name and its password.")
class LoginInput:
    username: str = strawberry.field(description="The user name, in any case.")
    password: str = strawberry.field(description="The password.")


@strawberry.input(description="An ID token that was requested with a nonce.")
class GoogleIdTokenInput:
    id_token: str = strawberry.field(description="The ID token, a JWT.")
    nonce: str = strawberry.field(description="The nonce that it must hold.")


@strawberry.input(description="An authorization code, as Google handed it to the client.")
class GoogleCodeInput:
    code: str = strawberry.field(description="The code.")
    redirect_uri: str = strawberry.field(
        description="The redirect URI of the request for the code."
    )
    code_verifier: str | None = strawberry.field(
        default=None, description="The secret behind the request's `code_challenge` (PKCE)."
    )
    nonce: str | None = strawberry.field(
        default=None, description="The nonce of the request, if it had one."
    )


@strawberry.input(one_of=True, description="One of the things that Google gives to a client.")
class LoginWithGoogleInput:
    access_token: strawberry.Maybe[str] = strawberry.field(
        description="An access token that was issued to this portal's client id."
    )
    id_token: strawberry.Maybe[str] = strawberry.field(
        description="An ID token that was requested without a nonce."
    )
    id_token_with_nonce: strawberry.Maybe[GoogleIdTokenInput] = strawberry.field(
        description="An ID token and its nonce."
    )
    code: strawberry.Maybe[GoogleCodeInput] = strawberry.field(
        description="An authorization code, best with PKCE."
    )

    def identity(self, provider: GoogleSignIn) -> Awaitable[GoogleIdentity]:
        if self.access_token:
            return provider.by_access_token(self.access_token.value)
        if self.id_token:
            return provider.by_id_token(self.id_token.value)
        if self.id_token_with_nonce:
            given = self.id_token_with_nonce.value
            return provider.by_id_token(given.id_token, nonce=given.nonce)
        code = self.code.value  # type: ignore[union-attr]  # @oneOf: exactly one is there
        return provider.by_code(
            code.code,
            redirect_uri=code.redirect_uri,
            code_verifier=code.code_verifier,
            nonce=code.nonce,
        )


@strawberry.type(description="The outcome of a sign-in.")
class LoginPayload(Payload):
    access_token: str | None = strawberry.field(
        default=None,
        description="What goes behind `Authorization: Bearer`; null when the sign-in failed.",
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="When the session ends by itself; null when the sign-in failed."
    )
    user: LazyUser | None = strawberry.field(
        default=None, description="Who signed in; null when nobody did."
    )

    @classmethod
    async def of(cls, sign_in: Awaitable[SignIn], context: Context) -> LoginPayload:
        try:
            signed_in = await sign_in
        except PortalError as error:
            return cls(access_token=None, expires_at=None, user=None, errors=user_errors(error))
        context.sign_in(signed_in)
        return cls(
            access_token=signed_in.access_token,
            expires_at=signed_in.session.expires_at,
            user=user_of(signed_in.session.user),
            errors=[],
        )


@strawberry.type(description="The outcome of a sign-out.")
class LogoutPayload(Payload):
    pass


LoginArgument = Annotated[LoginInput, strawberry.argument(description="What to sign in with.")]
GoogleArgument = Annotated[
    LoginWithGoogleInput, strawberry.argument(description="What Google gave to the client.")
]


@strawberry.mutation(
    description="Sign in with a user name and a password.",
    directives=guard(Permission.SIGN_IN),
)
async def login(info: PortalInfo, input: LoginArgument) -> LoginPayload:
    context = info.context
    return await LoginPayload.of(
        resolvers.sign_in.login(
            context.services, context.actor.client, input.username, input.password
        ),
        context,
    )


@strawberry.mutation(
    description="Sign in with Google, where the operator has configured it.",
    directives=guard(Permission.SIGN_IN),
)
async def login_with_google(info: PortalInfo, input: GoogleArgument) -> LoginPayload:
    context = info.context
    return await LoginPayload.of(
        resolvers.sign_in.login_with_google(context.services, context.actor.client, input.identity),
        context,
    )


@strawberry.mutation(
    description="End the session: its access token is refused from now on. Never fails.",
    directives=guard(Permission.SIGN_IN),
)
async def logout(info: PortalInfo) -> LogoutPayload:
    await resolvers.sessions.logout(info.context.actor)
    return LogoutPayload(errors=[])


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
    rows = await resolvers.sessions.sessions_of(info.context.actor, root.row)
    return [Session.of(row, info.context) for row in rows]


@strawberry.input(description="Which session to end.")
class EndSessionInput:
    id: strawberry.ID = strawberry.field(description="The `id` of the session.")


@strawberry.type(description="The outcome of ending a session.")
class EndSessionPayload(Payload):
    pass


@strawberry.type(description="The outcome of ending all sessions but the present one.")
class EndOtherSessionsPayload(Payload):
    ended_count: int = strawberry.field(default=0, description="How many sessions were ended.")


Ending = Annotated[EndSessionInput, strawberry.argument(description="Which session to end.")]


@strawberry.mutation(
    description="End a session of one's own, or as an administrator anybody's: its access token is"
    " refused from now on. NOT_FOUND for any other.",
    directives=guard(Permission.END_SESSIONS),
)
async def end_session(info: PortalInfo, input: Ending) -> EndSessionPayload:
    try:
        session_id = parse_unique_id(input.id, "Session")
        await resolvers.sessions.end_session(info.context.actor, session_id)
    except PortalError as error:
        return EndSessionPayload(errors=user_errors(error))
    return EndSessionPayload(errors=[])


@strawberry.mutation(
    description="End all sessions of one's own but the present one. Personal access tokens stay.",
    directives=guard(Permission.END_OTHER_SESSIONS),
)
async def end_other_sessions(info: PortalInfo) -> EndOtherSessionsPayload:
    try:
        count = await resolvers.sessions.end_other_sessions(info.context.actor)
    except PortalError as error:
        return EndOtherSessionsPayload(ended_count=0, errors=user_errors(error))
    return EndOtherSessionsPayload(ended_count=count, errors=[])


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
class ChangePasswordPayload(Payload):
    user: LazyUser | None = strawberry.field(
        default=None, description="Whose password was changed; null when it was not."
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
    return ChangePasswordPayload(user=user_of(user), errors=[])


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
    rows = await resolvers.sessions.tokens_of(info.context.actor, root.row)
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
class CreatePersonalAccessTokenPayload(Payload):
    token: str | None = strawberry.field(
        default=None,
        description="What goes behind `Authorization: Bearer`: a secret that is shown only now;"
        " null when there is none.",
    )
    personal_access_token: PersonalAccessToken | None = strawberry.field(
        default=None, description="What is known about it; null when there is none."
    )


@strawberry.input(description="Which personal access token to delete.")
class DeletePersonalAccessTokenInput:
    id: strawberry.ID = strawberry.field(description="The `id` of the token.")


@strawberry.type(description="The outcome of deleting a personal access token.")
class DeletePersonalAccessTokenPayload(Payload):
    pass


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
        row, token = await resolvers.sessions.create_token(
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
        await resolvers.sessions.end_session(info.context.actor, token_id)
    except PortalError as error:
        return DeletePersonalAccessTokenPayload(errors=user_errors(error))
    return DeletePersonalAccessTokenPayload(errors=[])


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
class SetPasswordPayload(Payload):
    user: LazyUser | None = strawberry.field(
        default=None, description="Whose password was set; null when it was not."
    )


@strawberry.type(description="The outcome of ending somebody's sessions.")
class ResetSessionsPayload(Payload):
    user: LazyUser | None = strawberry.field(
        default=None, description="Whose sessions have ended; null when none have."
    )
    ended_count: int = strawberry.field(
        default=0, description="How many sessions and personal access tokens were ended."
    )


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
    action = passwords.set_password(
        context.services, context.actor, input.database_id, input.password
    )
    row, errors = await outcome(action, models.User, context)
    return SetPasswordPayload(user=user_of(row) if row else None, errors=errors)


@strawberry.mutation(
    description="End all sessions and personal access tokens of somebody, as an administrator:"
    " they are refused from now on.",
    directives=guard(Permission.MANAGE_USERS),
)
async def reset_sessions(info: PortalInfo, input: ResetArgument) -> ResetSessionsPayload:
    try:
        user, count = await resolvers.sessions.reset_sessions(
            info.context.actor, input.database_id, including_current=input.include_current
        )
    except PortalError as error:
        return ResetSessionsPayload(user=None, ended_count=0, errors=user_errors(error))
    return ResetSessionsPayload(user=user_of(user), ended_count=count, errors=[])
