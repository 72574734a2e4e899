"""The people of groups, page by page, for any number of groups in two statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from tortoise.expressions import Q
from tortoise.functions import Count
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models import (
    AuditKind,
    EffectiveMembership,
    Grant,
    Group,
    GroupMembership,
    Membership,
    User,
    WebApp,
)
from models.groups import GROUP_NAME_LENGTH
from resolvers.actor import Actor
from resolvers.administrators import require_administrator
from resolvers.audit import about, creation, record, record_change, record_each
from resolvers.errors import BadUserInput, Complaint, Forbidden, NotFound
from resolvers.pages import Order, Page, PageArguments, TextOrder, check_search, cut
from resolvers.rules import Form, Rule, Values, line, required
from resolvers.services import Services
from resolvers.writes import change, delete, found, turn


def of_user(user_id: int) -> QuerySet[Group]:
    return Group.filter(effective_memberships__user_id=user_id)


async def visible_to(actor: Actor) -> QuerySet[Group]:
    """Every group for administrators, else one's own."""
    return Group.all() if await actor.is_admin() else of_user(actor.user.id)


async def group(actor: Actor, group_id: int) -> Group:
    """A group of the actor. Raises Forbidden for another one and NotFound for a missing one."""
    found = await of_user(actor.user.id).get_or_none(id=group_id)
    if found is not None:
        return found
    if await Group.exists(id=group_id):
        raise Forbidden
    raise NotFound


async def any_group(actor: Actor, group_id: int) -> Group:
    """For administrators: whichever it is."""
    await actor.require_admin()
    found = await Group.get_or_none(id=group_id)
    if found is None:
        raise NotFound
    return found


def administration_complaint(can_admin: bool, membership: GroupMembership) -> str | None:
    """Why the members of such a group can't be administrators; None when they can."""
    if can_admin and membership != GroupMembership.MANUAL:
        return "A group that fills itself can't make its members administrators."
    return None


class GroupOrderField(Enum):
    ID = Order()
    NAME = TextOrder("name")


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Which groups to look for; what is None does not matter."""

    can_admin: bool | None = None
    membership: GroupMembership | None = None

    def conditions(self) -> Iterator[Q]:
        if self.can_admin is not None:
            yield Q(can_admin=self.can_admin)
        if self.membership is not None:
            yield Q(membership=self.membership)


async def search(actor: Actor, text: str | None, wanted: GroupFilter) -> QuerySet[Group]:
    """For administrators: those that are wanted and have the text. Raises BadUserInput."""
    await actor.require_admin()
    check_search(text)
    found = Group.filter(*wanted.conditions())
    return found.filter(name__icontains=text) if text else found


async def pages(
    actor: Actor, group_ids: Sequence[int], arguments: PageArguments
) -> list[Page[User]]:
    """The members that the actor may see: all for administrators, else oneself."""
    only = None if await actor.is_admin() else actor.user.id
    pairs = await User._meta.db.execute_query_dict(_ranked(group_ids, arguments, only))
    users = await User.in_bulk({pair["user_id"] for pair in pairs}, "id")
    members: defaultdict[int, list[User]] = defaultdict(list)
    for pair in pairs:
        members[pair["group_id"]].append(users[pair["user_id"]])
    return [cut(members[group_id], arguments) for group_id in group_ids]


async def counts(actor: Actor, group_ids: Sequence[int]) -> list[int]:
    query: QuerySet[EffectiveMembership] = EffectiveMembership.filter(group_id__in=group_ids)
    if not await actor.is_admin():
        query = query.filter(user_id=actor.user.id)
    counted = query.annotate(members=Count("id")).group_by("group_id")
    members = dict(await counted.values_list("group_id", "members"))
    return [members.get(group_id, 0) for group_id in group_ids]


def _ranked(group_ids: Sequence[int], arguments: PageArguments, only: int | None) -> str:
    conditions = [f"group_id IN ({', '.join(map(str, map(int, group_ids)))})"]
    for condition, value in (
        ("user_id > ", arguments.after and arguments.after.id),
        ("user_id < ", arguments.before and arguments.before.id),
        ("user_id = ", only),
    ):
        if value is not None:
            conditions.append(f"{condition}{value:d}")
    direction = "DESC" if arguments.backwards else "ASC"
    return f"""
        SELECT group_id, user_id FROM (
            SELECT group_id, user_id, ROW_NUMBER() OVER (
                PARTITION BY group_id ORDER BY user_id {direction}) AS position
              FROM effective_memberships WHERE {" AND ".join(conditions)}) AS ranked
         WHERE position <= {arguments.size + 1:d} ORDER BY group_id, position
    """  # noqa: S608  # integers only


TAKEN = Complaint("There is a group of this name.", "name")
RULES: Mapping[str, Rule] = {
    "name": line(GROUP_NAME_LENGTH),
    "can_admin": required,
    "membership": required,
}


async def create_group(actor: Actor, given: Values) -> Group:
    """Raises Unauthenticated, Forbidden, also for a token and a group of administrators, and
    BadUserInput with all complaints.
    """
    await actor.require_admin()
    form = Form(given, RULES)
    async with turn(TAKEN):
        await _check(form, Group(name=""))
        group = Group(**form.done())
        if group.can_admin:
            actor.require_sign_in()
        await group.save()
        await record(actor, AuditKind.GROUP_CREATED, group, **creation(group))
    return group


async def update_group(
    services: Services, actor: Actor, group_id: int, version: int, given: Values
) -> Group:
    """Raises Unauthenticated, Forbidden, also for a token that would make administrators,
    NotFound, Outdated, and BadUserInput with all complaints, or when the last administrator is
    one through this group.
    """
    await actor.require_admin()
    form = Form(given, RULES)
    async with turn(TAKEN):
        group = await found(Group, group_id, version)
        await _check(form, group)
        changed = await change(group, form.done())
        if changed.can_admin and not group.can_admin:
            actor.require_sign_in()
        if group.can_admin and not changed.can_admin:
            await require_administrator(services, "canAdmin")
        await record_change(actor, AuditKind.GROUP_CHANGED, group, changed, form.clean)
    return changed


async def delete_group(services: Services, actor: Actor, group_id: int, version: int) -> None:
    """With the group go its memberships and grants.

    Raises Unauthenticated, Forbidden, NotFound, Outdated, and BadUserInput when the last
    administrator is one through this group.
    """
    await actor.require_admin()
    async with turn():
        group = await found(Group, group_id, version)
        await delete(group)
        if group.can_admin:
            await require_administrator(services, "databaseId")
        await record(actor, AuditKind.GROUP_DELETED, group, can_admin=group.can_admin)


async def _check(form: Form, group: Group) -> None:
    name = form.clean.get("name")
    if name is not None and await Group.filter(name=name).exclude(id=group.id).exists():
        form.add(TAKEN)
    if not form.clean.keys().isdisjoint(("can_admin", "membership")):
        can_admin = form.clean.get("can_admin", group.can_admin)
        membership = form.clean.get("membership", group.membership)
        if complaint := administration_complaint(can_admin, membership):
            form.add(Complaint(complaint, "canAdmin"))


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
