from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated

import strawberry

from auth.google import GoogleIdentity, GoogleSignIn
from resolvers import google, sessions
from resolvers.errors import PortalError
from resolvers.sessions import SignIn
from schema.context import Context, PortalInfo
from schema.enums import Permission
from schema.errors import UserError, user_errors
from schema.guard import guard
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
class LoginPayload:
    access_token: str | None = strawberry.field(
        description="What goes behind `Authorization: Bearer`; null when the sign-in failed."
    )
    expires_at: datetime | None = strawberry.field(
        description="When the session ends by itself; null when the sign-in failed."
    )
    user: User | None = strawberry.field(description="Who signed in; null when nobody did.")
    errors: list[UserError] = strawberry.field(description="Empty when the sign-in succeeded.")

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
            user=User.of(signed_in.session.user),
            errors=[],
        )


@strawberry.type(description="The outcome of a sign-out.")
class LogoutPayload:
    errors: list[UserError] = strawberry.field(description="Always empty.")


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
        sessions.login(context.services, context.actor.client, input.username, input.password),
        context,
    )


@strawberry.mutation(
    description="Sign in with Google, where the operator has configured it.",
    directives=guard(Permission.SIGN_IN),
)
async def login_with_google(info: PortalInfo, input: GoogleArgument) -> LoginPayload:
    context = info.context
    services = context.services

    async def sign_in() -> SignIn:
        provider = google.provider(services)
        return await google.login_with_google(
            services, context.actor.client, lambda: input.identity(provider)
        )

    return await LoginPayload.of(sign_in(), context)


@strawberry.mutation(
    description="End the session: its access token is refused from now on. Never fails.",
    directives=guard(Permission.SIGN_IN),
)
async def logout(info: PortalInfo) -> LogoutPayload:
    await sessions.logout(info.context.actor)
    return LogoutPayload(errors=[])
