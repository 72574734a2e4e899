from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from strawberry import Info

from resolvers.actor import Actor
from resolvers.errors import Unauthenticated
from resolvers.loaders import Loaders
from resolvers.services import Services
from resolvers.sign_in import SignIn


@dataclass
class Context:
    """What one operation knows: who asks, through which loaders, of which services."""

    services: Services
    actor: Actor
    request_id: str = ""
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.actor)

    @property
    def unauthenticated(self) -> Unauthenticated | None:
        """What to tell somebody who is not signed in; None for those who are."""
        return None if self.actor.session else Unauthenticated(self.actor.problem)

    def sign_in(self, sign_in: SignIn) -> None:
        """From here on, the operation is the new user's."""
        self.actor = Actor(sign_in.session, client=self.actor.client)
        self.loaders = Loaders(self.actor)

    def forget(self) -> None:
        """What was read before a change need not be true any more."""
        self.loaders = Loaders(self.actor)


PortalInfo: TypeAlias = Info[Context, None]
