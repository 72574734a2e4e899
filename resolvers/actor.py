from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

from models import Scope, Session, User
from resolvers.administrators import administrates
from resolvers.errors import CredentialsProblem, Forbidden, Unauthenticated


@dataclass(frozen=True, slots=True)
class Client:
    """The origin of a request: its network address and the name that the client sends."""

    address: str = ""
    name: str = ""
    request_id: str = ""


class Actor:
    """The caller of an operation: anonymous without a session, perhaps because of a `problem`."""

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
        self._lock = asyncio.Lock()

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
        """Whether the user is one; a personal access token also needs the scope ADMIN."""
        async with self._lock:
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
        """Raises Forbidden for a personal access token.

        Called before a user becomes an administrator, as a stolen token would escape its scopes.
        """
        if self.session and self.session.is_token:
            raise Forbidden("A token can't make a user an administrator: sign in instead.")
