from __future__ import annotations

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from models import ServiceAccount, WebApp
from resolvers.actor import Actor
from resolvers.errors import Forbidden, NotFound
from resolvers.pages import check_search


def shown_to_user(user_id: int) -> QuerySet[WebApp]:
    """The shown web apps of a user's groups."""
    return WebApp.filter(
        link_show=True, grants__group__effective_memberships__user_id=user_id
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


async def any_webapp(actor: Actor, webapp_id: int) -> WebApp:
    """For administrators: whichever it is."""
    await actor.require_admin()
    found = await WebApp.get_or_none(id=webapp_id)
    if found is None:
        raise NotFound
    return found


def has_placeholder(text: str | None) -> bool:
    return text is not None and "{{" in text


def fill_in(text: str, account: ServiceAccount | None) -> str:
    """Replaces {{namespace}} and {{serviceaccount}}; without an account by empty text."""
    return text.replace("{{namespace}}", account.namespace if account else "").replace(
        "{{serviceaccount}}", account.name if account else ""
    )


async def search(actor: Actor, text: str | None) -> QuerySet[WebApp]:
    """For administrators: all of them, or those with the text. Raises BadUserInput."""
    await actor.require_admin()
    check_search(text)
    if not text:
        return WebApp.all()
    return WebApp.filter(
        Q(name__icontains=text) | Q(link_name__icontains=text) | Q(link_url__icontains=text)
    )
