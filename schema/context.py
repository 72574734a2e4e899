from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
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

    @cached_property
    def loaders(self) -> Loaders:
        return Loaders(self.actor)

    @property
    def unauthenticated(self) -> Unauthenticated | None:
        """The error for a caller who is not signed in; None for signed-in users."""
        return None if self.actor.session else Unauthenticated(self.actor.problem)

    def sign_in(self, actor: Actor) -> None:
        """Lets the rest of the operation, which selects the signed-in user, run as that user."""
        self.actor = actor
        self.__dict__.pop("loaders", None)


PortalInfo: TypeAlias = Info[Context, None]
