from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from models import Group, GroupMembership
from resolvers.actor import Actor
from resolvers.errors import Forbidden, NotFound
from resolvers.orders import Order, TextOrder
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
