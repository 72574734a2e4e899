from __future__ import annotations

from collections.abc import Mapping

from models import AuditKind, Group
from models.groups import GROUP_NAME_LENGTH
from resolvers.actor import Actor
from resolvers.audit import creation, record, record_change
from resolvers.errors import Complaint
from resolvers.groups import administration_complaint
from resolvers.management.administrators import require_administrator
from resolvers.management.forms import Form, Rule, Values, line, required
from resolvers.management.turns import turn
from resolvers.management.versions import change, delete, found
from resolvers.services import Services

TAKEN = Complaint("There is a group of this name.", "name")
RULES: Mapping[str, Rule] = {
    "name": line(GROUP_NAME_LENGTH),
    "can_admin": required,
    "membership": required,
}


async def create_group(actor: Actor, given: Values) -> Group:
    """Raises Unauthenticated, Forbidden, also for a token and a group of administrators, and
    BadUserInput with all complaints.
    """
    await actor.require_admin()
    form = Form(given, RULES)
    async with turn(TAKEN):
        await _check(form, Group(name=""))
        group = Group(**form.done())
        if group.can_admin:
            actor.require_sign_in()
        await group.save()
        await record(actor, AuditKind.GROUP_CREATED, group, **creation(group))
    return group


async def update_group(
    services: Services, actor: Actor, group_id: int, version: int, given: Values
) -> Group:
    """Raises Unauthenticated, Forbidden, also for a token that would make administrators,
    NotFound, Outdated, and BadUserInput with all complaints, or when the last administrator is
    one through this group.
    """
    await actor.require_admin()
    form = Form(given, RULES)
    async with turn(TAKEN):
        group = await found(Group, group_id, version)
        await _check(form, group)
        changed = await change(group, form.done())
        if changed.can_admin and not group.can_admin:
            actor.require_sign_in()
        if group.can_admin and not changed.can_admin:
            await require_administrator(services, "canAdmin")
        await record_change(actor, AuditKind.GROUP_CHANGED, group, changed, form.clean)
    return changed


async def delete_group(services: Services, actor: Actor, group_id: int, version: int) -> None:
    """With the group go its memberships and grants.

    Raises Unauthenticated, Forbidden, NotFound, Outdated, and BadUserInput when the last
    administrator is one through this group.
    """
    await actor.require_admin()
    async with turn():
        group = await found(Group, group_id, version)
        await delete(group)
        if group.can_admin:
            await require_administrator(services, "databaseId")
        await record(actor, AuditKind.GROUP_DELETED, group, can_admin=group.can_admin)


async def _check(form: Form, group: Group) -> None:
    name = form.clean.get("name")
    if name is not None and await Group.filter(name=name).exclude(id=group.id).exists():
        form.add(TAKEN)
    if not form.clean.keys().isdisjoint(("can_admin", "membership")):
        can_admin = form.clean.get("can_admin", group.can_admin)
        membership = form.clean.get("membership", group.membership)
        if complaint := administration_complaint(can_admin, membership):
            form.add(Complaint(complaint, "canAdmin"))
