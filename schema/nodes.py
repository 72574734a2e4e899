from __future__ import annotations

from resolvers import access, audit_events, credential_issues, groups, users, webapps
from resolvers.errors import NotFound
from schema.access import AccessRequest
from schema.audit import AuditEvent
from schema.context import Context
from schema.credentials import CredentialIssue
from schema.groups import Group
from schema.node import Node, parse_global_id
from schema.users import User
from schema.webapps import WebApp


async def node(global_id: str, context: Context) -> Node:
    """What the noun's own root field answers, or for administrators the one under `admin`."""
    type_name, database_id = parse_global_id(global_id)
    actor, admin = context.actor, await context.actor.is_admin()
    if type_name == "User":
        return User.of(await (users.any_user if admin else users.user)(actor, database_id))
    if type_name == "Group":
        return Group.of(await (groups.any_group if admin else groups.group)(actor, database_id))
    if type_name == "WebApp":
        find = webapps.any_webapp if admin else webapps.webapp
        return (await WebApp.filled_in([await find(actor, database_id)], context))[0]
    if type_name == "AccessRequest":
        return AccessRequest.of(await access.access_request(actor, database_id))
    if type_name == "CredentialIssue":
        return CredentialIssue.of(await credential_issues.issue(actor, database_id))
    if type_name == "AuditEvent":
        return AuditEvent.of(await audit_events.event(actor, database_id))
    raise NotFound
