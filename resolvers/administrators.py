"""Who administrates the portal: superusers, and the members of some groups."""

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
    """Whether there is one who counts; `google` says whether people sign in with it.

    Such a one is active, has a way to sign in, and is an administrator by hand: groups that fill
    themselves may be empty tomorrow.
    """
    by_hand = Membership.filter(
        group__can_admin=True, group__membership=GroupMembership.MANUAL
    ).values("user_id")
    lasting = Q(is_superuser=True) | Q(id__in=Subquery(by_hand))
    return await User.filter(lasting, _can_sign_in(google=google), is_active=True).exists()


def _can_sign_in(*, google: bool) -> Q:
    ways = [Q(password_hash__isnull=False)]
    if google:
        for proof in (ExternalIdentity, VerifiedEmail):
            ways.append(Q(id__in=Subquery(proof.all().values("user_id"))))
    return Q(*ways, join_type=Q.OR)
