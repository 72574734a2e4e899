"""Who may do what: the permissions of the schema, and one rule for each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from tortoise.queryset import QuerySet

from models import Group, Scope, Session, WebApp
from resolvers import access, audit, credentials, groups, users, webapps
from resolvers.actor import Actor
from resolvers.errors import BadUserInput, FieldError, Forbidden, NotFound, Unauthenticated
from resolvers.pages import find
from resolvers.services import Services


class Permission(Enum):
    SEE_PORTAL = "SEE_PORTAL"
    SIGN_IN = "SIGN_IN"
    COUNT_USERS = "COUNT_USERS"
    SEE_CLUSTERS = "SEE_CLUSTERS"
    SEE_OWN_ACCOUNT = "SEE_OWN_ACCOUNT"
    SEE_USER = "SEE_USER"
    UPDATE_USER = "UPDATE_USER"
    CHANGE_PASSWORD = "CHANGE_PASSWORD"  # noqa: S105
    SEE_OWN_GROUP = "SEE_OWN_GROUP"
    SEE_GROUP = "SEE_GROUP"
    SEE_OWN_WEBAPP = "SEE_OWN_WEBAPP"
    SEE_WEBAPP = "SEE_WEBAPP"
    REQUEST_ACCESS = "REQUEST_ACCESS"
    SEE_ACCESS_REQUEST = "SEE_ACCESS_REQUEST"
    DECIDE_ACCESS = "DECIDE_ACCESS"
    ISSUE_CREDENTIALS = "ISSUE_CREDENTIALS"
    SEE_CREDENTIAL_ISSUE = "SEE_CREDENTIAL_ISSUE"
    LIST_CREDENTIAL_ISSUES = "LIST_CREDENTIAL_ISSUES"
    SEE_AUDIT_EVENT = "SEE_AUDIT_EVENT"
    LIST_AUDIT_EVENTS = "LIST_AUDIT_EVENTS"
    SEE_SESSIONS = "SEE_SESSIONS"
    END_SESSIONS = "END_SESSIONS"
    END_OTHER_SESSIONS = "END_OTHER_SESSIONS"
    CREATE_TOKEN = "CREATE_TOKEN"  # noqa: S105
    ADMINISTRATE = "ADMINISTRATE"
    MANAGE_USERS = "MANAGE_USERS"
    SET_PASSWORD = "SET_PASSWORD"  # noqa: S105
    MANAGE_GROUPS = "MANAGE_GROUPS"
    MANAGE_WEBAPPS = "MANAGE_WEBAPPS"


class Role(Enum):
    """What a permission requires of the caller, whatever it is about."""

    EVERYONE = "everyone"
    SIGNED_IN = "signed in"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Subject:
    """The object that a permission is about: its type in the schema and its database id."""

    type: str
    id: int


Condition: TypeAlias = Callable[[Services, Actor, int], Awaitable[bool]]


async def _always(_: Services, __: Actor, ___: int) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """Who holds a permission.

    `role` and `scope` depend on the caller alone: the guards of the schema enforce them. A personal
    access token needs the scope; without one, the permission takes a sign-in. `condition` depends
    on a row of the type `about`: the resolvers enforce it by their visibility queries.
    """

    role: Role
    scope: Scope | None = None
    about: str | None = None
    condition: Condition = _always


def require(actor: Actor, permission: Permission) -> None:
    """Raises Unauthenticated or Forbidden where the caller lacks the role."""
    role = RULES[permission].role
    if role is Role.SIGNED_IN and actor.session is None:
        raise Unauthenticated(actor.problem)
    if role is Role.ADMINISTRATOR:
        actor.require_admin()


async def can(
    services: Services, actor: Actor, permission: Permission, subject: Subject | None
) -> bool:
    """Whether the caller holds the permission; false for a subject that does not exist.

    Raises BadUserInput for a subject of another type.
    """
    rule = RULES[permission]
    subject_type = subject.type if subject else None
    if subject_type != rule.about:
        needed = f"an id of the type {rule.about}" if rule.about else "no id"
        raise BadUserInput(FieldError(f"{permission.value} takes {needed}.", ("id",)))
    if rule.role is Role.EVERYONE:
        return True
    if actor.session is None or not actor.session.allows(rule.scope):
        return False
    if rule.role is Role.ADMINISTRATOR and not actor.is_admin:
        return False
    return await rule.condition(services, actor, subject.id if subject else 0)


def require_scopes(session: Session, permissions: Iterable[Permission]) -> None:
    """Raises Forbidden where the scopes of a personal access token do not cover the permissions."""
    rules = ((permission, RULES[permission]) for permission in permissions)
    lacking = sorted(
        permission.value
        for permission, rule in rules
        if rule.role is not Role.EVERYONE and not session.allows(rule.scope)
    )
    if lacking:
        raise Forbidden(
            f"The scopes of this personal access token do not include: {', '.join(lacking)}."
        )


async def _is_oneself(_: Services, actor: Actor, user_id: int) -> bool:
    return actor.user.id == user_id


async def _is_member(_: Services, actor: Actor, group_id: int) -> bool:
    return await _finds(groups.group(actor, group_id))


async def _is_shown(_: Services, actor: Actor, webapp_id: int) -> bool:
    return await _finds(webapps.webapp(actor, webapp_id))


async def _sees_group(_: Services, actor: Actor, group_id: int) -> bool:
    return await _finds(find(Group, group_id) if actor.is_admin else groups.group(actor, group_id))


async def _sees_webapp(_: Services, actor: Actor, webapp_id: int) -> bool:
    return await _finds(
        find(WebApp, webapp_id) if actor.is_admin else webapps.webapp(actor, webapp_id)
    )


async def _finds(read: Awaitable[object]) -> bool:
    try:
        await read
    except (NotFound, Forbidden):
        return False
    return True


async def _is_oneself_with_access(services: Services, actor: Actor, user_id: int) -> bool:
    return actor.user.id == user_id and actor.user.has_access_at(services.clock())


async def _lacks_access(services: Services, actor: Actor, _: int) -> bool:
    return not actor.user.has_access_at(services.clock())


def _is_visible(visible_to: Callable[[Actor], QuerySet[Any]]) -> Condition:
    async def is_visible(_: Services, actor: Actor, row_id: int) -> bool:
        return await visible_to(actor).filter(id=row_id).exists()

    return is_visible


_is_visible_user = _is_visible(users.visible_to)


async def _is_another_user(services: Services, actor: Actor, user_id: int) -> bool:
    return actor.user.id != user_id and await _is_visible_user(services, actor, user_id)


EVERYONE = Rule(Role.EVERYONE)
ADMINISTRATOR = Rule(Role.ADMINISTRATOR, Scope.ADMIN)


def _reader(about: str | None = None, condition: Condition = _always) -> Rule:
    return Rule(Role.SIGNED_IN, Scope.READ, about, condition)


RULES = {
    Permission.SEE_PORTAL: EVERYONE,
    Permission.SIGN_IN: EVERYONE,
    Permission.COUNT_USERS: _reader(),
    Permission.SEE_CLUSTERS: _reader(),
    Permission.SEE_OWN_ACCOUNT: _reader("User", _is_oneself),
    Permission.SEE_USER: _reader("User", _is_visible_user),
    Permission.UPDATE_USER: Rule(Role.SIGNED_IN, Scope.WRITE, "User", _is_oneself),
    Permission.CHANGE_PASSWORD: Rule(Role.SIGNED_IN),
    Permission.SEE_OWN_GROUP: _reader("Group", _is_member),
    Permission.SEE_GROUP: _reader("Group", _sees_group),
    Permission.SEE_OWN_WEBAPP: _reader("WebApp", _is_shown),
    Permission.SEE_WEBAPP: _reader("WebApp", _sees_webapp),
    Permission.REQUEST_ACCESS: Rule(Role.SIGNED_IN, Scope.WRITE, None, _lacks_access),
    Permission.SEE_ACCESS_REQUEST: _reader("AccessRequest", _is_visible(access.visible_to)),
    Permission.DECIDE_ACCESS: Rule(Role.ADMINISTRATOR, Scope.ADMIN, "User", _is_another_user),
    Permission.ISSUE_CREDENTIALS: Rule(
        Role.SIGNED_IN, Scope.CREDENTIALS, "User", _is_oneself_with_access
    ),
    Permission.SEE_CREDENTIAL_ISSUE: _reader(
        "CredentialIssue", _is_visible(credentials.visible_to)
    ),
    Permission.LIST_CREDENTIAL_ISSUES: _reader("User", _is_oneself),
    Permission.SEE_AUDIT_EVENT: _reader("AuditEvent", _is_visible(audit.visible_to)),
    Permission.LIST_AUDIT_EVENTS: _reader("User", _is_oneself),
    Permission.SEE_SESSIONS: _reader("User", _is_visible_user),
    Permission.END_SESSIONS: Rule(Role.SIGNED_IN, None, "User", _is_visible_user),
    Permission.END_OTHER_SESSIONS: Rule(Role.SIGNED_IN),
    Permission.CREATE_TOKEN: Rule(Role.SIGNED_IN),
    Permission.ADMINISTRATE: ADMINISTRATOR,
    Permission.MANAGE_USERS: ADMINISTRATOR,
    Permission.SET_PASSWORD: Rule(Role.ADMINISTRATOR, None, "User", _is_another_user),
    Permission.MANAGE_GROUPS: ADMINISTRATOR,
    Permission.MANAGE_WEBAPPS: ADMINISTRATOR,
}
