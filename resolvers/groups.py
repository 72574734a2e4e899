from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import cast

from tortoise.expressions import Q
from tortoise.functions import Count
from tortoise.queryset import QuerySet

from models import EffectiveMembership, Group, GroupMembership, User, WebApp
from models.search import containing
from models.statements import Statement, by_owner
from resolvers.actor import Actor
from resolvers.changes import AddMember, GrantWebApp, RemoveMember, WithdrawWebApp
from resolvers.errors import BadUserInput, FieldError, Forbidden, NotFound
from resolvers.pages import N, Order, Page, PageArguments, TextOrder, check_search, cut, find
from resolvers.services import Services
from resolvers.writes import writing

MAXIMUM_IDS = 100


OF_USERS = Statement(
    """
    SELECT g.*, m.user_id
      FROM effective_memberships m JOIN "groups" g ON g.id = m.group_id
     WHERE m.user_id IN :users ORDER BY g.id""",
    g=Group,
)
IS_MEMBER = """EXISTS (
    SELECT 1 FROM effective_memberships m WHERE m.group_id = g.id AND m.user_id = :user)"""
BY_ID = Statement(f'SELECT g.*, {IS_MEMBER} FROM "groups" g WHERE g.id = :id', g=Group)
OF_WEBAPPS = Statement(
    f"""
    SELECT g.*, x.webapp_id
      FROM grants x JOIN "groups" g ON g.id = x.group_id
     WHERE x.webapp_id IN :webapps AND (:every OR {IS_MEMBER}) ORDER BY g.id""",
    g=Group,
)


async def of_users(user_ids: Sequence[int]) -> list[list[Group]]:
    """The groups of each user, automatic ones included."""
    return by_owner(await OF_USERS.rows(users=user_ids), user_ids)


async def of_webapps(actor: Actor, webapp_ids: Sequence[int]) -> list[list[Group]]:
    """The groups of each web app: every one for administrators, else one's own."""
    rows = OF_WEBAPPS.rows(webapps=webapp_ids, every=actor.is_admin, user=actor.user.id)
    return by_owner(await rows, webapp_ids)


async def group(actor: Actor, group_id: int) -> Group:
    """A group of the actor. Raises Forbidden for another one and NotFound for a missing one."""
    row = await BY_ID.row(id=group_id, user=actor.user.id)
    if row is None:
        raise NotFound
    found, is_member = row
    if not is_member:
        raise Forbidden
    return cast(Group, found)


class GroupOrderField(Enum):
    ID = Order()
    NAME = TextOrder("name")


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Conditions for groups; None is no condition."""

    can_admin: bool | None = None
    membership: GroupMembership | None = None

    def conditions(self) -> Iterator[Q]:
        if self.can_admin is not None:
            yield Q(can_admin=self.can_admin)
        if self.membership is not None:
            yield Q(membership=self.membership)


def search(text: str | None, criteria: GroupFilter) -> QuerySet[Group]:
    """The rows that meet the conditions and contain the text. Raises BadUserInput."""
    check_search(text)
    found = Group.filter(*criteria.conditions())
    return found.filter(containing("groups", text)) if text else found


async def pages(
    actor: Actor, group_ids: Sequence[int], arguments: PageArguments
) -> list[Page[User]]:
    """The members that the actor may see: all for administrators, else oneself."""
    only = None if actor.is_admin else actor.user.id
    pairs = await User._meta.db.execute_query_dict(_ranked(group_ids, arguments, only))
    users = await User.in_bulk({pair["user_id"] for pair in pairs}, "id")
    members: defaultdict[int, list[User]] = defaultdict(list)
    for pair in pairs:
        members[pair["group_id"]].append(users[pair["user_id"]])
    return [cut(members[group_id], arguments) for group_id in group_ids]


async def counts(actor: Actor, group_ids: Sequence[int]) -> list[int]:
    query: QuerySet[EffectiveMembership] = EffectiveMembership.filter(group_id__in=group_ids)
    if not actor.is_admin:
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
    """  # integers only


async def add_members(
    services: Services, actor: Actor, group_id: int, user_ids: Sequence[int]
) -> Group:
    """Raises Forbidden for a token and a group of administrators, NotFound, and BadUserInput for
    missing users, more than 100 of them, or a group that fills itself.
    """
    _require_few("users", user_ids)
    async with writing(actor, services.write_options()) as writer:
        group = await find(Group, group_id)
        users = await _require_all(User, "users", user_ids)
        await writer.write([AddMember(user, group, at=("database_id",)) for user in users])
    return group


async def remove_members(
    services: Services, actor: Actor, group_id: int, user_ids: Sequence[int]
) -> Group:
    """Raises NotFound, and BadUserInput for more than 100 users, a group that fills itself, or the
    last administrator.
    """
    _require_few("users", user_ids)
    async with writing(actor, services.write_options()) as writer:
        group = await find(Group, group_id)
        users = await User.filter(id__in=user_ids)
        await writer.write([RemoveMember(user, group, at=("users",)) for user in users])
    return group


async def grant_webapps(
    services: Services, actor: Actor, group_id: int, webapp_ids: Sequence[int]
) -> Group:
    """Raises NotFound, and BadUserInput for missing web apps, or more than 100 of them."""
    _require_few("webapps", webapp_ids)
    async with writing(actor, services.write_options()) as writer:
        group = await find(Group, group_id)
        webapps = await _require_all(WebApp, "webapps", webapp_ids)
        await writer.write([GrantWebApp(webapp, group) for webapp in webapps])
    return group


async def withdraw_webapps(
    services: Services, actor: Actor, group_id: int, webapp_ids: Sequence[int]
) -> Group:
    """Raises NotFound, and BadUserInput for more than 100 web apps."""
    _require_few("webapps", webapp_ids)
    async with writing(actor, services.write_options()) as writer:
        group = await find(Group, group_id)
        webapps = await WebApp.filter(id__in=webapp_ids)
        await writer.write([WithdrawWebApp(webapp, group) for webapp in webapps])
    return group


async def _require_all(model: type[N], column: str, ids: Sequence[int]) -> list[N]:
    """Raises BadUserInput with an error for each id that no row has."""
    rows = {row.id: row for row in await model.filter(id__in=ids)}
    missing = [
        FieldError(f"There is none with the id {row_id}.", (column, number))
        for number, row_id in enumerate(ids)
        if row_id not in rows
    ]
    if missing:
        raise BadUserInput(*missing)
    return list(rows.values())


def _require_few(column: str, ids: Sequence[int]) -> None:
    if not 0 < len(ids) <= MAXIMUM_IDS:
        raise BadUserInput(FieldError(f"Give 1 to {MAXIMUM_IDS} ids.", (column,)))
