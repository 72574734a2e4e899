"""Who is put into groups, and which web apps groups are given: both without regard to versions."""

from __future__ import annotations

from collections.abc import Sequence

from tortoise.models import Model

from models import AuditKind, Grant, Group, GroupMembership, Membership, User, WebApp
from resolvers.actor import Actor
from resolvers.audit import about, record_each
from resolvers.errors import BadUserInput, Complaint
from resolvers.management.administrators import require_administrator
from resolvers.management.turns import turn
from resolvers.management.versions import found
from resolvers.services import Services

MOST = 100


async def add_members(actor: Actor, group_id: int, user_ids: Sequence[int]) -> Group:
    """Those who are in stay in.

    Raises Unauthenticated, Forbidden, also for a token and a group of administrators, NotFound,
    and BadUserInput for users that don't exist, more than 100 of them, or a group that fills
    itself.
    """
    await actor.require_admin()
    async with turn():
        group = await _filled_by_hand(group_id)
        if group.can_admin:
            actor.require_sign_in()
        await _require_all(User, "users", user_ids)
        added = set(user_ids) - {user.id for user in await _members(group, user_ids)}
        memberships = [Membership(group_id=group.id, user_id=user_id) for user_id in added]
        await Membership.bulk_create(memberships, ignore_conflicts=True)
        users = await User.filter(id__in=added)
        await record_each(actor, AuditKind.MEMBER_ADDED, users, group=about(group))
    return group


async def remove_members(
    services: Services, actor: Actor, group_id: int, user_ids: Sequence[int]
) -> Group:
    """Those who are not in don't matter.

    Raises Unauthenticated, Forbidden, NotFound, and BadUserInput for more than 100 users, a group
    that fills itself, or the last administrator.
    """
    await actor.require_admin()
    _require_few("users", user_ids)
    async with turn():
        group = await _filled_by_hand(group_id)
        users = await _members(group, user_ids)
        await Membership.filter(group_id=group.id, user_id__in=user_ids).delete()
        if users and group.can_admin:
            await require_administrator(services, "users")
        await record_each(actor, AuditKind.MEMBER_REMOVED, users, group=about(group))
    return group


async def grant_webapps(actor: Actor, group_id: int, webapp_ids: Sequence[int]) -> Group:
    """What is granted stays granted.

    Raises Unauthenticated, Forbidden, NotFound, and BadUserInput for web apps that don't exist,
    or more than 100 of them.
    """
    await actor.require_admin()
    async with turn():
        group = await found(Group, group_id)
        await _require_all(WebApp, "webapps", webapp_ids)
        granted = set(webapp_ids) - {webapp.id for webapp in await _granted(group, webapp_ids)}
        grants = [Grant(group_id=group.id, webapp_id=webapp_id) for webapp_id in granted]
        await Grant.bulk_create(grants, ignore_conflicts=True)
        webapps = await WebApp.filter(id__in=granted)
        await record_each(actor, AuditKind.WEBAPP_GRANTED, webapps, group=about(group))
    return group


async def withdraw_webapps(actor: Actor, group_id: int, webapp_ids: Sequence[int]) -> Group:
    """What is not granted does not matter.

    Raises Unauthenticated, Forbidden, NotFound, and BadUserInput for more than 100 web apps.
    """
    await actor.require_admin()
    _require_few("webapps", webapp_ids)
    async with turn():
        group = await found(Group, group_id)
        webapps = await _granted(group, webapp_ids)
        await Grant.filter(group_id=group.id, webapp_id__in=webapp_ids).delete()
        await record_each(actor, AuditKind.WEBAPP_WITHDRAWN, webapps, group=about(group))
    return group


async def _members(group: Group, user_ids: Sequence[int]) -> list[User]:
    """Those of the users who were put into the group by hand."""
    return await User.filter(id__in=user_ids, memberships__group_id=group.id)


async def _granted(group: Group, webapp_ids: Sequence[int]) -> list[WebApp]:
    return await WebApp.filter(id__in=webapp_ids, grants__group_id=group.id)


async def _filled_by_hand(group_id: int) -> Group:
    group = await found(Group, group_id)
    if group.membership != GroupMembership.MANUAL:
        raise BadUserInput(Complaint("This group fills itself.", "databaseId"))
    return group


async def _require_all(model: type[Model], field: str, ids: Sequence[int]) -> None:
    """Raises BadUserInput with a complaint for each id of the list that nothing has."""
    _require_few(field, ids)
    known = {row.pk for row in await model.filter(id__in=ids).only("id")}
    missing = [
        Complaint(f"There is none with the id {row_id}.", f"{field}.{number}")
        for number, row_id in enumerate(ids)
        if row_id not in known
    ]
    if missing:
        raise BadUserInput(*missing)


def _require_few(field: str, ids: Sequence[int]) -> None:
    if not 0 < len(ids) <= MOST:
        raise BadUserInput(Complaint(f"Give 1 to {MOST} ids.", field))
