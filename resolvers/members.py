"""The people of groups, page by page, for any number of groups in two statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tortoise.functions import Count
from tortoise.queryset import QuerySet

from models import EffectiveMembership, User
from resolvers.actor import Actor
from resolvers.pages import Page, PageArguments, cut


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
