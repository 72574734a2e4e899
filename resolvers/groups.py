from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import cast

from tortoise.expressions import Q, RawSQL
from tortoise.queryset import QuerySet

from models import AuditActor, Group, GroupMembership, User, WebApp
from models.lists import EXACT_COUNT, estimate
from models.search import containing
from models.statements import Statement, by_owner
from resolvers.actor import Actor
from resolvers.changes import AddMember, GrantWebApp, RemoveMember, WithdrawWebApp
from resolvers.errors import BadUserInput, FieldError, Forbidden, NotFound
from resolvers.pages import (
    MAXIMUM_ID,
    N,
    Order,
    Page,
    PageArguments,
    TextOrder,
    check_search,
    cut,
    find,
)
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


HAS_ACCESS = """m.access_state = 'APPROVED' AND m.service_account_id IS NOT NULL
    AND (m.access_expires_at IS NULL OR m.access_expires_at > CURRENT_TIMESTAMP)"""
# The members of a group by its kind: their table, the column of their ids, and the condition.
# The view of memberships is for the groups of a user: it finds members in no index.
MEMBERS = {
    GroupMembership.MANUAL: ("memberships", "user_id", "m.group_id = {group}"),
    GroupMembership.ALL_USERS: ("users", "id", "TRUE"),
    GroupMembership.CLUSTER_USERS: ("users", "id", HAS_ACCESS),
}


def _page(*, backwards: bool) -> Statement:
    """The members up to the one at the position `size`, which belongs to the next page.

    There are no more than `rows` of them, which PostgreSQL would not expect.
    """
    order, operator, end = ("DESC", ">=", 0) if backwards else ("ASC", "<=", MAXIMUM_ID)
    pages = (
        f"""
        SELECT m.{key} AS user_id, g.id AS group_id
          FROM "groups" g JOIN {table} m ON {condition}
         WHERE g.id IN :groups AND g.membership = '{kind}' AND m.{key} {operator} COALESCE((
               SELECT m.{key} FROM {table} m WHERE {condition}
                ORDER BY m.{key} {order} LIMIT 1 OFFSET :size), {end})"""
        for kind, table, key, condition in _visible_members()
    )
    return Statement(
        f"""
        SELECT u.*, p.group_id
          FROM ({" UNION ALL ".join(pages)} LIMIT :rows) p JOIN users u ON u.id = p.user_id
         ORDER BY p.group_id, u.id {order}""",
        u=User,
    )


def _count() -> Statement:
    """The numbers of members, up to a limit."""
    return Statement(
        " UNION ALL ".join(
            f"""
            SELECT (SELECT COUNT(*) FROM (
                    SELECT 1 FROM {table} m WHERE {condition} LIMIT :limit) counted), g.id
              FROM "groups" g WHERE g.id IN :groups AND g.membership = '{kind}'"""
            for kind, table, _, condition in _visible_members()
        )
    )


def _visible_members() -> Iterator[tuple[GroupMembership, str, str, str]]:
    for kind, (table, key, condition) in MEMBERS.items():
        ids = f"m.{key} > CAST(:after AS BIGINT) AND m.{key} < CAST(:before AS BIGINT)"
        yield kind, table, key, f"{condition.format(group='g.id')} AND {ids}"


FORWARDS, BACKWARDS, COUNT = _page(backwards=False), _page(backwards=True), _count()


async def pages(
    actor: Actor, group_ids: Sequence[int], arguments: PageArguments
) -> list[Page[User]]:
    """The members that the actor may see: all for administrators, else oneself."""
    after, before = _visible(actor)
    if arguments.after:
        after = max(after, arguments.after.id)
    if arguments.before:
        before = min(before, arguments.before.id)
    statement, size = BACKWARDS if arguments.backwards else FORWARDS, arguments.size
    found = await statement.rows(
        groups=group_ids, after=after, before=before, size=size, rows=len(group_ids) * (size + 1)
    )
    return [cut(members, arguments) for members in by_owner(found, group_ids)]


async def counts(actor: Actor | AuditActor, group_ids: Sequence[int]) -> list[int]:
    """The numbers of members that the actor may see. Large ones are estimates."""
    after, before = _visible(actor)
    limit = EXACT_COUNT + 1
    rows = await COUNT.rows(groups=group_ids, after=after, before=before, limit=limit)
    numbers = {group_id: number for number, group_id in rows}
    for group_id, number in rows:
        if number == limit:
            numbers[group_id] = await estimate(await members(group_id))
    return [numbers.get(group_id, 0) for group_id in group_ids]


def _visible(actor: Actor | AuditActor) -> tuple[int, int]:
    """The ids before and after those of the users that the actor may see."""
    if isinstance(actor, AuditActor) or actor.is_admin:
        return 0, MAXIMUM_ID + 1
    return actor.user.id - 1, actor.user.id + 1


async def members(group_id: int) -> QuerySet[User]:
    """All members of a group; none of a missing one."""
    group = await Group.get_or_none(id=group_id)
    if group is None:
        return User.filter(id__in=[])
    if group.membership == GroupMembership.ALL_USERS:
        return User.all()
    table, key, condition = MEMBERS[group.membership]
    ids = f"(SELECT m.{key} FROM {table} m WHERE {condition.format(group=group.id)})"
    return User.filter(id__in=RawSQL(ids))


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
