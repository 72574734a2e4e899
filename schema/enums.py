from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry

from models import (
    AccessRequestState,
    AccessState,
    AuditActor,
    AuditKind,
    AuditOutcome,
    AuditSubject,
    CredentialKind,
    GroupMembership,
    Scope,
    SignInMethod,
    WebAppCategory,
)
from resolvers.clusters import MemoryUnit
from resolvers.errors import ErrorCode
from resolvers.groups import GroupOrderField
from resolvers.pages import Direction
from resolvers.permissions import Permission
from resolvers.users import UserOrderField
from resolvers.webapps import WebAppOrderField

__all__ = [
    "AccessRequestState",
    "AccessState",
    "AuditActor",
    "AuditKind",
    "AuditOutcome",
    "AuditSubject",
    "CredentialKind",
    "Direction",
    "ErrorCode",
    "GroupMembership",
    "GroupOrderField",
    "MemoryUnit",
    "Permission",
    "Scope",
    "SignInMethod",
    "UserOrderField",
    "WebAppCategory",
    "WebAppOrderField",
]

E = TypeVar("E", bound=Enum)


def _publish(
    enum: type[E], description: str, values: Mapping[E, str], name: str | None = None
) -> None:
    """Makes an enum of a lower room a part of the schema, with a description of every value."""
    published = strawberry.enum(enum, name=name, description=description)
    for value in published.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[enum[value.name]]


_publish(
    AccessState,
    "How far a user's access to the cluster has come.",
    {
        AccessState.NEW: "There is no access and no open request: it may be requested.",
        AccessState.REQUESTED: "Access was requested and waits for an administrator.",
        AccessState.REJECTED: "An administrator said no.",
        AccessState.APPROVED: "An administrator said yes.",
    },
)
_publish(
    AccessRequestState,
    "What has become of a request for access.",
    {
        AccessRequestState.OPEN: "It waits for an administrator.",
        AccessRequestState.APPROVED: "It was approved, and the access is in force.",
        AccessRequestState.REJECTED: "An administrator said no.",
        AccessRequestState.REVOKED: "It was approved, and later the access was taken away.",
        AccessRequestState.EXPIRED: "It was approved, and the time of the access is up.",
    },
)
_publish(
    GroupMembership,
    "How a group gets its members.",
    {
        GroupMembership.MANUAL: "Administrators put users in.",
        GroupMembership.ALL_USERS: "Every account is a member, by itself.",
        GroupMembership.CLUSTER_USERS: "Users with approved access and an account are in.",
    },
)
_publish(
    CredentialKind,
    "In which form a credential for the cluster was handed out.",
    {
        CredentialKind.TOKEN: "A token by itself, as from `ServiceAccount.token` or REST.",
        CredentialKind.KUBECONFIG: "A token in a kubeconfig.",
        CredentialKind.EXEC: "A token for kubectl, through `kubeportal credential`.",
    },
)
_publish(
    ErrorCode,
    "What kind of error it is: in `UserError.code` and in `extensions.code` of an error.",
    {
        ErrorCode.UNAUTHENTICATED: "Sign in first, or again; `extensions.problem` says what is"
        " wrong with credentials that were sent.",
        ErrorCode.FORBIDDEN: "You are known, but may not do this.",
        ErrorCode.NOT_FOUND: "There is no such thing.",
        ErrorCode.BAD_USER_INPUT: "A value does not fit; `UserError.field` or `extensions.fields`"
        " say which.",
        ErrorCode.CONFLICT: "It does not fit the state of things, which somebody else may have"
        " changed; the message says how.",
        ErrorCode.INVALID_CREDENTIALS: "This user name, password or token opens nothing.",
        ErrorCode.RATE_LIMITED: "Too many attempts; `UserError.retryAfter` or"
        " `extensions.retryAfter` say how many seconds to wait.",
        ErrorCode.UNAVAILABLE: "A cluster or an identity provider is not there or does not answer,"
        " or the portal is busy; the message says which. Try later.",
        ErrorCode.TIMEOUT: "It took too long; what only reads was given up, a change goes on.",
        ErrorCode.GRAPHQL_PARSE_FAILED: "The document is no GraphQL.",
        ErrorCode.GRAPHQL_VALIDATION_FAILED: "The document does not fit the schema.",
        ErrorCode.LIMIT_EXCEEDED: "The operation asks for too much; `extensions` names the `limit`,"
        " what was `found` and the `maximum`.",
        ErrorCode.PERSISTED_QUERY_NOT_FOUND: "No document has this id or hash: send the document"
        " itself as `query`, with the hash to have it kept.",
        ErrorCode.DOCUMENT_NOT_TRUSTED: "This portal runs only documents that its operator knows:"
        " send the `documentId` of one.",
        ErrorCode.INTERNAL_SERVER_ERROR: "A fault of ours; `extensions.requestId` finds it.",
    },
)

_publish(
    MemoryUnit,
    "A unit of memory.",
    {
        MemoryUnit.BYTE: "One byte.",
        MemoryUnit.KIBIBYTE: "1,024 bytes.",
        MemoryUnit.MEBIBYTE: "1,024 KiB.",
        MemoryUnit.GIBIBYTE: "1,024 MiB.",
        MemoryUnit.MILLION_KIBIBYTES: "1,000,000 KiB: the unit of `k8s_mem_sum` in REST.",
    },
)
_publish(
    Permission,
    "What somebody may do: `Query.viewerCan` tells whether you may.",
    {
        Permission.SEE_PORTAL: "See what the portal says about itself: everyone.",
        Permission.SIGN_IN: "Sign in and out: everyone.",
        Permission.COUNT_USERS: "Learn how many accounts there are: any signed-in user.",
        Permission.SEE_CLUSTERS: "See the clusters and their facts: any signed-in user.",
        Permission.SEE_OWN_ACCOUNT: "See one's own account, as a root field: its owner.",
        Permission.SEE_USER: "See an account: its owner, and administrators.",
        Permission.UPDATE_USER: "Change one's own names and address: nobody else's.",
        Permission.CHANGE_PASSWORD: "Change one's own password: whoever is signed in.",
        Permission.SEE_OWN_GROUP: "See a group of one's own, as a root field: its members.",
        Permission.SEE_GROUP: "See a group: its members, and administrators.",
        Permission.SEE_OWN_WEBAPP: "See a web app of one's own, as a root field: members of its"
        " groups where it is shown.",
        Permission.SEE_WEBAPP: "See a web app: members of its groups where it is shown, and"
        " administrators.",
        Permission.REQUEST_ACCESS: "Ask for access to the cluster: any signed-in user without it.",
        Permission.SEE_ACCESS_REQUEST: "See a request for access: who made it, and administrators.",
        Permission.DECIDE_ACCESS: "Approve, reject or revoke a user's access: administrators, but"
        " not about themselves.",
        Permission.ISSUE_CREDENTIALS: "Get tokens and kubeconfigs for a user's service account:"
        " that user, with approved access.",
        Permission.SEE_CREDENTIAL_ISSUE: "See the record of a credential: its owner, and"
        " administrators.",
        Permission.LIST_CREDENTIAL_ISSUES: "List a user's credentials from the user: that user.",
        Permission.SEE_AUDIT_EVENT: "See an event of the audit log: who did it, the user that it is"
        " about, and administrators.",
        Permission.LIST_AUDIT_EVENTS: "List a user's events from the user: that user.",
        Permission.SEE_SESSIONS: "See a user's sign-ins and personal access tokens: that user, and"
        " administrators.",
        Permission.END_SESSIONS: "End a user's sign-ins and personal access tokens: that user, and"
        " administrators.",
        Permission.END_OTHER_SESSIONS: "End one's own other sign-ins: any signed-in user.",
        Permission.CREATE_TOKEN: "Create personal access tokens for oneself: any signed-in user.",
        Permission.ADMINISTRATE: "Look at everything under `admin`: administrators.",
        Permission.MANAGE_USERS: "Create, change and delete accounts: administrators.",
        Permission.SET_PASSWORD: "Set a user's password: administrators, but not their own.",
        Permission.MANAGE_GROUPS: "Create, change and delete groups and say who is in them:"
        " administrators.",
        Permission.MANAGE_WEBAPPS: "Create, change and delete web apps and say who sees them:"
        " administrators.",
    },
)
_publish(
    SignInMethod,
    "How a session began.",
    {
        SignInMethod.PASSWORD: "With a password.",
        SignInMethod.GOOGLE: "With Google.",
        SignInMethod.TOKEN: "As a personal access token.",
    },
)
_publish(
    Scope,
    "What a personal access token may be used for, as far as its owner may do it.",
    {
        Scope.READ: "See what the owner sees, but no credentials for the cluster.",
        Scope.WRITE: "Change the owner's names and address, and ask for access.",
        Scope.CREDENTIALS: "Get tokens and kubeconfigs for the owner's service account.",
        Scope.ADMIN: "What the owner may do as an administrator, but for setting passwords and"
        " making administrators.",
    },
)
_publish(
    Direction,
    "In which direction a list goes.",
    {
        Direction.ASC: "From A to Z, from the oldest to the newest.",
        Direction.DESC: "From Z to A, from the newest to the oldest.",
    },
    name="OrderDirection",
)
_publish(
    UserOrderField,
    "What users are put in order by; those that are alike in it, by id.",
    {
        UserOrderField.ID: "By id: the order in which they were made.",
        UserOrderField.USERNAME: "By user name, in any case.",
        UserOrderField.LAST_NAME: "By family name, the case of ASCII letters aside.",
        UserOrderField.CREATED_AT: "By the time when they were made.",
        UserOrderField.LAST_LOGIN_AT: "By the last sign-in; who never signed in comes first.",
    },
)
_publish(
    GroupOrderField,
    "What groups are put in order by.",
    {
        GroupOrderField.ID: "By id: the order in which they were made.",
        GroupOrderField.NAME: "By name, the case of ASCII letters aside.",
    },
)
_publish(
    WebAppOrderField,
    "What web apps are put in order by.",
    {
        WebAppOrderField.ID: "By id: the order in which they were made.",
        WebAppOrderField.NAME: "By name, the case of ASCII letters aside.",
    },
)
_publish(
    WebAppCategory,
    "What a web app is for, so that clients may sort or picture it.",
    {
        WebAppCategory.GENERIC: "Anything else.",
        WebAppCategory.DOCUMENTATION: "Manuals and wikis.",
        WebAppCategory.COMMUNICATION: "Chat, mail and meetings.",
        WebAppCategory.KUBERNETES: "The cluster itself.",
        WebAppCategory.DEVELOPER: "Source code and builds.",
        WebAppCategory.DATABASE: "Databases and their tools.",
        WebAppCategory.MONITORING: "Metrics, logs and alarms.",
    },
)
_publish(
    AuditKind,
    "What happened, or was tried.",
    {
        AuditKind.SIGN_IN: "Somebody signed in to the subject; `details` tell the `method`, and for"
        " failures whether the `account` is OPEN, CLOSED or UNKNOWN.",
        AuditKind.SESSION_ENDED: "Sessions of the subject were ended, tokens among them where all"
        " are; `details` tell the `count`. Those that end by themselves are no events.",
        AuditKind.PASSWORD_CHANGED: "A user's own password; refused for a wrong current one.",
        AuditKind.PASSWORD_SET: "A user's password, by an administrator.",
        AuditKind.TOKEN_CREATED: "A personal access token of the subject.",
        AuditKind.TOKEN_DELETED: "A personal access token of the subject.",
        AuditKind.CREDENTIAL_ISSUED: "A token for the cluster was handed out, in some `form`: once"
        " for each record of a credential, which has the same `fingerprint`.",
        AuditKind.ACCESS_REQUESTED: "The subject asked for access.",
        AuditKind.ACCESS_APPROVED: "The subject has access.",
        AuditKind.ACCESS_REJECTED: "The subject gets no access.",
        AuditKind.ACCESS_REVOKED: "The access of the subject was taken away.",
        AuditKind.ACCESS_EXPIRED: "The time of the subject's access was up.",
        AuditKind.USER_CREATED: "An account, perhaps by its first sign-in with Google.",
        AuditKind.USER_CHANGED: "Names, addresses, or what the user may do.",
        AuditKind.USER_DELETED: "An account, with all that belonged to it.",
        AuditKind.GROUP_CREATED: "A new group.",
        AuditKind.GROUP_CHANGED: "Its name, whether it makes administrators, or who is in by rule.",
        AuditKind.GROUP_DELETED: "A group; whoever was in it is not any more.",
        AuditKind.MEMBER_ADDED: "The subject was put into the `group`.",
        AuditKind.MEMBER_REMOVED: "The subject was taken out of the `group`.",
        AuditKind.WEBAPP_CREATED: "A new web app.",
        AuditKind.WEBAPP_CHANGED: "Its name or its link.",
        AuditKind.WEBAPP_DELETED: "A web app; nobody sees its link any more.",
        AuditKind.WEBAPP_GRANTED: "The `group` got the subject.",
        AuditKind.WEBAPP_WITHDRAWN: "The subject was taken from the `group`.",
        AuditKind.DECLARATION_APPLIED: "The operator's file has changed something: `details` tell"
        " how much. What it did to whom are events before this one.",
        AuditKind.LEGACY_IMPORTED: "The operator has taken over the former portal; with a subject:"
        " who became a superuser by it, or is none any more.",
        AuditKind.AUDIT_PRUNED: "The operator has deleted the events before a day.",
    },
)
_publish(
    AuditOutcome,
    "What came of something that was tried.",
    {
        AuditOutcome.SUCCEEDED: "It happened.",
        AuditOutcome.REFUSED: "It was refused, as the credentials were wrong.",
        AuditOutcome.THROTTLED: "It was not even looked at after too many failures. Only the first"
        " one of a quarter of an hour is an event.",
    },
)
_publish(
    AuditActor,
    "Who did it.",
    {
        AuditActor.USER: "A user who was signed in.",
        AuditActor.OPERATOR: "The operator, at the command line.",
        AuditActor.NOBODY: "Somebody who was not signed in, or the passing of time.",
    },
)
_publish(
    AuditSubject,
    "What it was done to.",
    {
        AuditSubject.USER: "A user.",
        AuditSubject.GROUP: "A group.",
        AuditSubject.WEBAPP: "A web app.",
    },
)
