"""Who administrates the portal: superusers, and the members of some groups."""

from __future__ import annotations

from tortoise.expressions import Q, Subquery

from models import EffectiveMembership, User


def administrators() -> Q:
    by_group = EffectiveMembership.filter(group__can_admin=True).values("user_id")
    return Q(is_superuser=True) | Q(id__in=Subquery(by_group))


async def administrates(user: User) -> bool:
    return user.is_superuser or await EffectiveMembership.exists(
        user_id=user.id, group__can_admin=True
    )
