from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from models import Grant, WebApp
from resolvers.actor import Actor
from resolvers.errors import Forbidden, NotFound
from resolvers.pages import Order, TextOrder, check_search


def shown_to_user(*user_ids: int) -> QuerySet[WebApp]:
    """The shown web apps of the groups of users."""
    return WebApp.filter(
        link_show=True, grants__group__effective_memberships__user_id__in=user_ids
    ).distinct()


async def visible_to(actor: Actor) -> QuerySet[WebApp]:
    """Every web app for administrators, else the shown ones of one's groups."""
    return WebApp.all() if await actor.is_admin() else shown_to_user(actor.user.id)


async def webapp(actor: Actor, webapp_id: int) -> WebApp:
    """A web app that is shown to the actor. Raises Forbidden, or NotFound for a missing one."""
    found = await shown_to_user(actor.user.id).get_or_none(id=webapp_id)
    if found is not None:
        return found
    if await WebApp.exists(id=webapp_id):
        raise Forbidden
    raise NotFound


def has_placeholder(text: str | None) -> bool:
    return text is not None and "{{" in text


class WebAppOrderField(Enum):
    ID = Order()
    NAME = TextOrder("name")


@dataclass(frozen=True, slots=True)
class WebAppFilter:
    """Conditions for web apps; None is no condition."""

    link_show: bool | None = None
    group_id: int | None = None

    def conditions(self) -> Iterator[Q]:
        if self.link_show is not None:
            yield Q(link_show=self.link_show)
        if self.group_id is not None:
            granted = Grant.filter(group_id=self.group_id).values("webapp_id")
            yield Q(id__in=Subquery(granted))


def search(text: str | None, criteria: WebAppFilter) -> QuerySet[WebApp]:
    """The rows that meet the conditions and contain the text. Raises BadUserInput."""
    check_search(text)
    found = WebApp.filter(*criteria.conditions())
    if not text:
        return found
    return found.filter(
        Q(name__icontains=text) | Q(link_name__icontains=text) | Q(link_url__icontains=text)
    )
