"""The administrators of the portal: superusers, and the members of groups with `can_admin`."""

from __future__ import annotations

from collections.abc import Sequence

from tortoise.expressions import Q, RawSQL

from models import User
from models.statements import Statement

# Their ids: they are few, and groups that fill themselves appoint none.
# Without the comparisons with TRUE, SQLite uses no index.
ADMINISTRATORS = """(
    SELECT id FROM users WHERE is_superuser = TRUE UNION
    SELECT m.user_id FROM "groups" g JOIN memberships m ON m.group_id = g.id
     WHERE g.can_admin = TRUE AND g.membership = 'MANUAL')"""
AMONG = Statement(f"SELECT id FROM users WHERE id IN :users AND id IN {ADMINISTRATORS}")


async def administrators_among(user_ids: Sequence[int]) -> set[int]:
    """The ids of those who are administrators."""
    return {user_id for (user_id,) in await AMONG.rows(users=user_ids)}


def administrators() -> Q:
    """The condition for administrators, who are few: their ids come before all other conditions."""
    return Q(id__in=RawSQL(ADMINISTRATORS))


async def has_administrator(*, google: bool) -> bool:
    """Whether an active administrator can sign in. `google`: whether Google sign-in is configured.

    Members of self-filling groups do not count: these groups may be empty tomorrow.
    """
    can_sign_in = Q(password_hash__isnull=False)
    if google:
        can_sign_in |= Q(external_identities__id__isnull=False)
        can_sign_in |= Q(verified_emails__id__isnull=False)
    return await User.filter(administrators(), can_sign_in, is_active=True).exists()
