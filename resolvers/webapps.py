from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import cast

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from models import Grant, WebApp
from models.search import containing
from models.statements import Statement, by_owner
from resolvers.actor import Actor
from resolvers.errors import Forbidden, NotFound
from resolvers.pages import Order, TextOrder, check_search

# Whom a web app is shown to: the members of its groups
SHOWN = """effective_memberships m JOIN grants x ON x.group_id = m.group_id
      JOIN webapps w ON w.id = x.webapp_id AND w.link_show"""
OF_USERS = Statement(
    f"SELECT DISTINCT w.*, m.user_id FROM {SHOWN} WHERE m.user_id IN :users ORDER BY w.id",
    w=WebApp,
)
SHOWN_TO_USER = f"(SELECT w.id FROM {SHOWN} WHERE m.user_id = :user)"
BY_ID = Statement(f"SELECT v.*, v.id IN {SHOWN_TO_USER} FROM webapps v WHERE v.id = :id", v=WebApp)
OF_GROUPS = Statement(
    f"""
    SELECT v.*, y.group_id
      FROM grants y JOIN webapps v ON v.id = y.webapp_id
     WHERE y.group_id IN :groups AND (:every OR v.id IN {SHOWN_TO_USER}) ORDER BY v.id""",
    v=WebApp,
)


async def of_users(user_ids: Sequence[int]) -> list[list[WebApp]]:
    """The web apps that each user sees."""
    return by_owner(await OF_USERS.rows(users=user_ids), user_ids)


async def of_groups(actor: Actor, group_ids: Sequence[int]) -> list[list[WebApp]]:
    """The web apps of each group: every one for administrators, else those that one sees."""
    rows = OF_GROUPS.rows(groups=group_ids, every=actor.is_admin, user=actor.user.id)
    return by_owner(await rows, group_ids)


async def webapp(actor: Actor, webapp_id: int) -> WebApp:
    """A web app that is shown to the actor. Raises Forbidden, or NotFound for a missing one."""
    row = await BY_ID.row(id=webapp_id, user=actor.user.id)
    if row is None:
        raise NotFound
    found, is_shown = row
    if not is_shown:
        raise Forbidden
    return cast(WebApp, found)


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
    return found.filter(containing("webapps", text)) if text else found
