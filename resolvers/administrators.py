"""The administrators of the portal: superusers, and the members of groups with `can_admin`."""

from __future__ import annotations

from collections.abc import Sequence

from tortoise.expressions import Q, Subquery

from models import (
    EffectiveMembership,
    ExternalIdentity,
    GroupMembership,
    Membership,
    User,
    VerifiedEmail,
)
from models.statements import Statement

# The condition for a row of the table `users`
ADMINISTRATES = """(users.is_superuser OR EXISTS (
    SELECT 1 FROM effective_memberships m JOIN "groups" g ON g.id = m.group_id
     WHERE m.user_id = users.id AND g.can_admin))"""
AMONG = Statement(f"SELECT users.id FROM users WHERE users.id IN :users AND {ADMINISTRATES}")


async def administrators_among(user_ids: Sequence[int]) -> set[int]:
    """The ids of those who are administrators."""
    return {user_id for (user_id,) in await AMONG.rows(users=user_ids)}


def administrators() -> Q:
    by_group = EffectiveMembership.filter(group__can_admin=True).values("user_id")
    return Q(is_superuser=True) | Q(id__in=Subquery(by_group))


async def has_administrator(*, google: bool) -> bool:
    """Whether an active administrator can sign in. `google`: whether Google sign-in is configured.

    Members of self-filling groups do not count: these groups may be empty tomorrow.
    """
    appointed = Membership.filter(
        group__can_admin=True, group__membership=GroupMembership.MANUAL
    ).values("user_id")
    lasting = Q(is_superuser=True) | Q(id__in=Subquery(appointed))
    return await User.filter(lasting, _can_sign_in(google=google), is_active=True).exists()


def _can_sign_in(*, google: bool) -> Q:
    ways = [Q(password_hash__isnull=False)]
    if google:
        for proof in (ExternalIdentity, VerifiedEmail):
            ways.append(Q(id__in=Subquery(proof.all().values("user_id"))))
    return Q(*ways, join_type=Q.OR)
