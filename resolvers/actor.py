from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from models import Scope, ServiceAccount, Session, User
from resolvers.errors import CredentialsProblem, Forbidden, Unauthenticated


@dataclass(frozen=True, slots=True)
class Client:
    """The origin of a request: its network address and the name that the client sends."""

    address: str = ""
    name: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller of an operation: anonymous without a session, perhaps because of a `problem`.

    `administrates`: whether the user is an administrator. `service_account`: that of the user.
    """

    session: Session | None = None
    problem: CredentialsProblem | None = None
    client: Client = field(default_factory=Client)
    administrates: bool = False
    service_account: ServiceAccount | None = None

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

    @property
    def is_admin(self) -> bool:
        """Whether the user is one; a personal access token also needs the scope ADMIN."""
        return self.administrates and self.session is not None and self.session.allows(Scope.ADMIN)

    def require_admin(self) -> None:
        """Raises Unauthenticated or Forbidden."""
        if self.user and not self.is_admin:
            raise Forbidden("Only administrators may do this.")

    def require_sign_in(self) -> None:
        """Raises Forbidden for a personal access token.

        Called before a user becomes an administrator, as a stolen token would escape its scopes.
        """
        if self.session and self.session.is_token:
            raise Forbidden("A token can't make a user an administrator: sign in instead.")
