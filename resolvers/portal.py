from __future__ import annotations

import secrets

from models import User
from resolvers.actor import Actor


def csrf_token() -> str:
    """For clients that expect one: bearer tokens need no protection against forged requests."""
    return secrets.token_urlsafe(32)


async def user_count(actor: Actor) -> int:
    """How many accounts there are, for any signed-in user. Raises Unauthenticated."""
    return await User.all().count() if actor.user else 0
