from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from models import AuditKind, Grant, ServiceAccount, WebApp
from models.webapps import LINK_URL_LENGTH, WEBAPP_NAME_LENGTH
from resolvers.actor import Actor
from resolvers.audit import creation, record, record_change
from resolvers.errors import Complaint, Forbidden, NotFound
from resolvers.pages import Order, TextOrder, check_search
from resolvers.rules import Form, Rule, Values, line, optional, required, satisfying
from resolvers.writes import change, delete, found, turn


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


def placeholder_complaint(text: str) -> str | None:
    filled = fill_in(text, ServiceAccount(namespace="x", name="x"))
    if "{{" in filled or "}}" in filled:
        return "The only placeholders are {{namespace}} and {{serviceaccount}}."
    return None


def link_complaint(url: str) -> str | None:
    """What is wrong with a URL, which may hold placeholders."""
    if complaint := placeholder_complaint(url):
        return complaint
    try:
        parts = urlsplit(fill_in(url, ServiceAccount(namespace="x", name="x")))
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        complete = False
    if not complete or " " in url:
        return "Enter a URL that begins with http:// or https://."
    return None


class WebAppOrderField(Enum):
    ID = Order()
    NAME = TextOrder("name")


@dataclass(frozen=True, slots=True)
class WebAppFilter:
    """Which web apps to look for; what is None does not matter."""

    link_show: bool | None = None
    group_id: int | None = None

    def conditions(self) -> Iterator[Q]:
        if self.link_show is not None:
            yield Q(link_show=self.link_show)
        if self.group_id is not None:
            granted = Grant.filter(group_id=self.group_id).values("webapp_id")
            yield Q(id__in=Subquery(granted))


async def search(actor: Actor, text: str | None, wanted: WebAppFilter) -> QuerySet[WebApp]:
    """For administrators: those that are wanted and have the text. Raises BadUserInput."""
    await actor.require_admin()
    check_search(text)
    found = WebApp.filter(*wanted.conditions())
    if not text:
        return found
    return found.filter(
        Q(name__icontains=text) | Q(link_name__icontains=text) | Q(link_url__icontains=text)
    )


TAKEN = Complaint("There is a web app of this name.", "name")
RULES: Mapping[str, Rule] = {
    "name": line(WEBAPP_NAME_LENGTH),
    "link_name": satisfying(placeholder_complaint, line(WEBAPP_NAME_LENGTH, null=True)),
    "link_url": satisfying(link_complaint, line(LINK_URL_LENGTH, null=True)),
    "link_show": required,
    "category": optional,
}


async def create_webapp(actor: Actor, given: Values) -> WebApp:
    """Raises Unauthenticated, Forbidden, and BadUserInput with all complaints."""
    await actor.require_admin()
    form = Form(given, RULES)
    async with turn(TAKEN):
        await _check_name(form)
        webapp = await WebApp.create(**form.done())
        await record(actor, AuditKind.WEBAPP_CREATED, webapp, **creation(webapp))
    return webapp


async def update_webapp(actor: Actor, webapp_id: int, version: int, given: Values) -> WebApp:
    """Raises Unauthenticated, Forbidden, NotFound, Outdated, and BadUserInput with all
    complaints.
    """
    await actor.require_admin()
    form = Form(given, RULES)
    async with turn(TAKEN):
        webapp = await found(WebApp, webapp_id, version)
        await _check_name(form, webapp.id)
        changed = await change(webapp, form.done())
        await record_change(actor, AuditKind.WEBAPP_CHANGED, webapp, changed, form.clean)
    return changed


async def delete_webapp(actor: Actor, webapp_id: int, version: int) -> None:
    """With the web app go its grants. Raises Unauthenticated, Forbidden, NotFound, Outdated."""
    await actor.require_admin()
    async with turn():
        webapp = await found(WebApp, webapp_id, version)
        await delete(webapp)
        await record(actor, AuditKind.WEBAPP_DELETED, webapp)


async def _check_name(form: Form, webapp_id: int | None = None) -> None:
    holder = await WebApp.get_or_none(name=form.clean.get("name"))
    if holder is not None and holder.id != webapp_id:
        form.add(TAKEN)
