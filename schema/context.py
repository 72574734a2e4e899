from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from strawberry import Info

from resolvers.actor import Actor
from resolvers.errors import Unauthenticated
from resolvers.loaders import Loaders
from resolvers.services import Services


@dataclass
class Context:
    """The caller of one operation, with its loaders, and the services of the portal."""

    services: Services
    actor: Actor
    request_id: str = ""
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.actor)

    @property
    def unauthenticated(self) -> Unauthenticated | None:
        """The error for a caller who is not signed in; None for signed-in users."""
        return None if self.actor.session else Unauthenticated(self.actor.problem)

    def sign_in(self, actor: Actor) -> None:
        """Lets the rest of the operation, which selects the signed-in user, run as that user."""
        self.actor = actor
        self.loaders = Loaders(self.actor)


PortalInfo: TypeAlias = Info[Context, None]
