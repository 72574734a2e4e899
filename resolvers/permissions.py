"""Who may do what: one word for everything that can be done, and one rule for each word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from tortoise.queryset import QuerySet

from models import Scope, Session
from resolvers import access, audit, credentials, groups, users, webapps
from resolvers.actor import Actor
from resolvers.errors import BadUserInput, Complaint
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


@dataclass(frozen=True, slots=True)
class Subject:
    """What a permission is about: an object by its type in the schema and its database id."""

    type: str
    id: int


Holds: TypeAlias = Callable[[Services, Actor, int], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who holds a permission; `about` is the type that it is about, None for none.

    A personal access token needs the `scope`; without one, only a sign-in will do.
    """

    holds: Holds
    about: str | None = None
    scope: Scope | None = None
    open_to_everyone: bool = False


async def can(
    services: Services, actor: Actor, permission: Permission, subject: Subject | None
) -> bool:
    """Whether the actor may; nobody may do anything with what does not exist.

    Raises BadUserInput for a subject that does not belong to the permission.
    """
    rule = RULES[permission]
    given = subject.type if subject else None
    if given != rule.about:
        needed = f"an id of the type {rule.about}" if rule.about else "no id"
        raise BadUserInput(Complaint(f"{permission.value} takes {needed}.", "id"))
    if rule.open_to_everyone:
        return True
    if actor.session is None or not actor.session.allows(rule.scope):
        return False
    return await rule.holds(services, actor, subject.id if subject else 0)


def beyond_scopes(session: Session, permissions: Iterable[Permission]) -> list[str]:
    """The names of those permissions for which the session must not be used."""
    rules = ((permission, RULES[permission]) for permission in permissions)
    return sorted(
        permission.value
        for permission, rule in rules
        if not (rule.open_to_everyone or session.allows(rule.scope))
    )


async def _always(_: Services, __: Actor, ___: int) -> bool:
    return True


async def _administrates(_: Services, actor: Actor, __: int) -> bool:
    return await actor.is_admin()


async def _is_oneself(_: Services, actor: Actor, user_id: int) -> bool:
    return actor.user.id == user_id


async def _is_member(_: Services, actor: Actor, group_id: int) -> bool:
    return await groups.of_user(actor.user.id).filter(id=group_id).exists()


async def _is_shown(_: Services, actor: Actor, webapp_id: int) -> bool:
    return await webapps.shown_to_user(actor.user.id).filter(id=webapp_id).exists()


async def _is_oneself_with_access(services: Services, actor: Actor, user_id: int) -> bool:
    return actor.user.id == user_id and actor.user.has_access_at(services.clock())


async def _lacks_access(services: Services, actor: Actor, _: int) -> bool:
    return not actor.user.has_access_at(services.clock())


def _sees(visible_to: Callable[[Actor], Awaitable[QuerySet[Any]]]) -> Holds:
    async def sees(_: Services, actor: Actor, row_id: int) -> bool:
        return await (await visible_to(actor)).filter(id=row_id).exists()

    return sees


async def _administrates_other(services: Services, actor: Actor, user_id: int) -> bool:
    if actor.user.id == user_id or not await actor.is_admin():
        return False
    return await _sees_user(services, actor, user_id)


_sees_user = _sees(users.visible_to)

EVERYONE = Rule(_always, open_to_everyone=True)

RULES = {
    Permission.SEE_PORTAL: EVERYONE,
    Permission.SIGN_IN: EVERYONE,
    Permission.COUNT_USERS: Rule(_always, scope=Scope.READ),
    Permission.SEE_CLUSTERS: Rule(_always, scope=Scope.READ),
    Permission.SEE_OWN_ACCOUNT: Rule(_is_oneself, "User", Scope.READ),
    Permission.SEE_USER: Rule(_sees_user, "User", Scope.READ),
    Permission.UPDATE_USER: Rule(_is_oneself, "User", Scope.WRITE),
    Permission.CHANGE_PASSWORD: Rule(_always),
    Permission.SEE_OWN_GROUP: Rule(_is_member, "Group", Scope.READ),
    Permission.SEE_GROUP: Rule(_sees(groups.visible_to), "Group", Scope.READ),
    Permission.SEE_OWN_WEBAPP: Rule(_is_shown, "WebApp", Scope.READ),
    Permission.SEE_WEBAPP: Rule(_sees(webapps.visible_to), "WebApp", Scope.READ),
    Permission.REQUEST_ACCESS: Rule(_lacks_access, scope=Scope.WRITE),
    Permission.SEE_ACCESS_REQUEST: Rule(_sees(access.visible_to), "AccessRequest", Scope.READ),
    Permission.DECIDE_ACCESS: Rule(_administrates_other, "User", Scope.ADMIN),
    Permission.ISSUE_CREDENTIALS: Rule(_is_oneself_with_access, "User", Scope.CREDENTIALS),
    Permission.SEE_CREDENTIAL_ISSUE: Rule(
        _sees(credentials.visible_to), "CredentialIssue", Scope.READ
    ),
    Permission.LIST_CREDENTIAL_ISSUES: Rule(_is_oneself, "User", Scope.READ),
    Permission.SEE_AUDIT_EVENT: Rule(_sees(audit.visible_to), "AuditEvent", Scope.READ),
    Permission.LIST_AUDIT_EVENTS: Rule(_is_oneself, "User", Scope.READ),
    Permission.SEE_SESSIONS: Rule(_sees_user, "User", Scope.READ),
    Permission.END_SESSIONS: Rule(_sees_user, "User"),
    Permission.END_OTHER_SESSIONS: Rule(_always),
    Permission.CREATE_TOKEN: Rule(_always),
    Permission.ADMINISTRATE: Rule(_administrates, scope=Scope.ADMIN),
    Permission.MANAGE_USERS: Rule(_administrates, scope=Scope.ADMIN),
    Permission.SET_PASSWORD: Rule(_administrates_other, "User"),
    Permission.MANAGE_GROUPS: Rule(_administrates, scope=Scope.ADMIN),
    Permission.MANAGE_WEBAPPS: Rule(_administrates, scope=Scope.ADMIN),
}
