"""Who became an administrator by an import, or is none any more, is told one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models import AuditActor, AuditKind, Group, Membership, User
from resolvers.audit import Entry, about, record_all


@dataclass(frozen=True, slots=True)
class Administrators:
    """By user ids: who is a superuser, and for each group that administrates who is in it."""

    superusers: frozenset[int]
    members: frozenset[tuple[int, int]]

    @classmethod
    async def now(cls) -> Administrators:
        superusers = await User.filter(is_superuser=True)
        members = await Membership.filter(group__can_admin=True)
        return cls(
            frozenset(user.id for user in superusers),
            frozenset((member.user_id, member.group_id) for member in members),
        )


async def record_administrators(before: Administrators) -> None:
    """Compares with those before the import, which deletes nobody."""
    after = await Administrators.now()
    changed = before.superusers ^ after.superusers
    moved = before.members ^ after.members
    users = await User.in_bulk(changed | {user_id for user_id, _ in moved}, "id")
    groups = await Group.in_bulk({group_id for _, group_id in moved}, "id")
    entries = [
        _of_superuser(users[user_id], is_one=user_id in after.superusers)
        for user_id in sorted(changed)
    ]
    for pair in sorted(moved):
        entries.append(_of_member(users, groups, pair, is_one=pair in after.members))
    await record_all(AuditActor.OPERATOR, entries)


def _of_superuser(user: User, *, is_one: bool) -> Entry:
    return Entry(AuditKind.LEGACY_IMPORTED, user, {"values": {"isSuperuser": is_one}})


def _of_member(
    users: Mapping[int, User], groups: Mapping[int, Group], pair: tuple[int, int], *, is_one: bool
) -> Entry:
    user_id, group_id = pair
    kind = AuditKind.MEMBER_ADDED if is_one else AuditKind.MEMBER_REMOVED
    return Entry(kind, users[user_id], {"group": about(groups[group_id])})
