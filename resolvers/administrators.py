"""The administrators of the portal: superusers, and the members of groups with `can_admin`."""

from __future__ import annotations

from tortoise.expressions import Q, Subquery

from models import (
    EffectiveMembership,
    ExternalIdentity,
    GroupMembership,
    Membership,
    User,
    VerifiedEmail,
)


def administrators() -> Q:
    by_group = EffectiveMembership.filter(group__can_admin=True).values("user_id")
    return Q(is_superuser=True) | Q(id__in=Subquery(by_group))


async def administrates(user: User) -> bool:
    return user.is_superuser or await EffectiveMembership.exists(
        user_id=user.id, group__can_admin=True
    )


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
