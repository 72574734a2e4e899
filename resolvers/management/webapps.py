from __future__ import annotations

from collections.abc import Mapping

from models import AuditKind, WebApp
from models.webapps import LINK_URL_LENGTH, WEBAPP_NAME_LENGTH
from resolvers.actor import Actor
from resolvers.audit import creation, record, record_change
from resolvers.errors import Complaint
from resolvers.management.forms import Form, Rule, Values, line, optional, required, satisfying
from resolvers.management.turns import turn
from resolvers.management.versions import change, delete, found
from resolvers.webapps import link_complaint, placeholder_complaint

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
