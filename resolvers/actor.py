from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

from models import Scope, Session, User
from resolvers.administrators import administrates
from resolvers.errors import CredentialsProblem, Forbidden, Unauthenticated


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from: network address and what the client calls itself."""

    address: str = ""
    name: str = ""
    request_id: str = ""


class Actor:
    """Who asks. Without a session the actor is anonymous, perhaps because of a `problem`."""

    def __init__(
        self,
        session: Session | None = None,
        problem: CredentialsProblem | None = None,
        client: Client | None = None,
    ) -> None:
        self.session = session
        self.problem = problem
        self.client = client or Client()
        self._is_admin: bool | None = None
        self._asking = asyncio.Lock()

    @property
    def user_or_none(self) -> User | None:
        return self.session.user if self.session else None

    @property
    def session_id(self) -> UUID | None:
        return self.session.id if self.session else None

    @property
    def user(self) -> User:
        """Raises Unauthenticated for the anonymous actor."""
        if self.session is None:
            raise Unauthenticated(self.problem)
        return self.session.user

    async def is_admin(self) -> bool:
        """A token without the scope ADMIN makes nobody an administrator."""
        async with self._asking:
            if self._is_admin is None:
                session = self.session
                is_usable = session is not None and session.allows(Scope.ADMIN)
                self._is_admin = is_usable and await administrates(self.user)
        return self._is_admin

    async def require_admin(self) -> None:
        """Raises Unauthenticated or Forbidden."""
        if self.user and not await self.is_admin():
            raise Forbidden("Only administrators may do this.")

    def require_sign_in(self) -> None:
        """Raises Forbidden for a token, before it makes somebody an administrator: who finds one
        would have more than its scopes.
        """
        if self.session and self.session.is_token:
            raise Forbidden("A token makes nobody an administrator: sign in for this.")
