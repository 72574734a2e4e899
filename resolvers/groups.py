from __future__ import annotations

from tortoise.queryset import QuerySet

from models import Group
from resolvers.actor import Actor
from resolvers.errors import Forbidden, NotFound
from resolvers.pages import check_search


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


async def search(actor: Actor, text: str | None) -> QuerySet[Group]:
    """For administrators: all of them, or those with the text. Raises BadUserInput."""
    await actor.require_admin()
    check_search(text)
    if not text:
        return Group.all()
    return Group.filter(name__icontains=text)
