"""The enums of the schema, which lower layers define, with their descriptions."""

from __future__ import annotations

from enum import Enum

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


def _publish(enum: type[Enum], description: str, *, name: str | None = None, **values: str) -> None:
    """Adds an enum of a lower layer to the schema, with a description of every value."""
    published = strawberry.enum(enum, name=name, description=description)
    for value in published.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values.pop(value.name)
    if values:
        raise TypeError(f"{enum.__name__} has no {', '.join(values)}")


_publish(
    AccessState,
    "The state of a user's access to the cluster.",
    NEW="The user has no access and no open request.",
    REQUESTED="A request is open.",
    REJECTED="The latest request was rejected.",
    APPROVED="The user has access.",
)
_publish(
    AccessRequestState,
    "The state of a request for access.",
    OPEN="An administrator has to decide.",
    APPROVED="The request was approved, and access lasts.",
    REJECTED="The request was rejected.",
    REVOKED="The request was approved, and access was revoked later.",
    EXPIRED="The request was approved, and access expired.",
)
_publish(
    GroupMembership,
    "How users become members of a group.",
    MANUAL="Administrators add and remove members.",
    ALL_USERS="Every user is a member automatically.",
    CLUSTER_USERS="Every user with approved access and a service account is a member"
    " automatically.",
)
_publish(
    CredentialKind,
    "The form of a credential for the cluster.",
    TOKEN="A token from `ServiceAccount.token` or the REST API.",  # noqa: S106
    KUBECONFIG="A token in a kubeconfig file.",
    EXEC="A token for kubectl from the command `kubeportal credential`.",
)
_publish(
    ErrorCode,
    "The kind of an error, in `UserError.code` and in `extensions.code` of GraphQL errors.",
    UNAUTHENTICATED="The field requires a valid sign-in. `extensions.problem` says what is wrong"
    " with the credentials that were sent.",
    FORBIDDEN="The caller lacks the permission.",
    NOT_FOUND="The object does not exist.",
    BAD_USER_INPUT="A value is not valid. `UserError.field` or `extensions.fields` name the field.",
    CONFLICT="The state of the object does not allow the change. The message names that state.",
    INVALID_CREDENTIALS="The user name, the password or the token is wrong.",
    RATE_LIMITED="Too many attempts. `UserError.retryAfter` or `extensions.retryAfter` give the"
    " number of seconds to wait.",
    UNAVAILABLE="A cluster or an identity provider does not respond, or the portal is busy. The"
    " message names the cause. Retry later.",
    TIMEOUT="The time limit was exceeded. A query was cancelled, a mutation continues.",
    GRAPHQL_PARSE_FAILED="The document is not valid GraphQL.",
    GRAPHQL_VALIDATION_FAILED="The document does not match the schema.",
    LIMIT_EXCEEDED="The operation is too large. `extensions` contains the `limit`, the number that"
    " was `found` and the `maximum`.",
    PERSISTED_QUERY_NOT_FOUND="No document has this id or hash. Send the document as `query`"
    " together with its hash, which stores it.",
    DOCUMENT_NOT_TRUSTED="This portal runs only trusted documents. Send the `documentId` of one.",
    INTERNAL_SERVER_ERROR="An error in the portal. `extensions.requestId` identifies it in the"
    " log.",
)
_publish(
    MemoryUnit,
    "A unit of memory.",
    BYTE="One byte.",
    KIBIBYTE="1,024 bytes.",
    MEBIBYTE="1,024 KiB.",
    GIBIBYTE="1,024 MiB.",
    MILLION_KIBIBYTES="1,000,000 KiB, the unit of `k8s_mem_sum` in the REST API.",
)
_publish(
    Permission,
    "A permission of the caller. `Query.viewerCan` returns whether the caller holds it.",
    SEE_PORTAL="Read facts about the portal. Held by every caller.",
    SIGN_IN="Sign in and out. Held by every caller.",
    COUNT_USERS="Read the number of accounts. Held by every signed-in user.",
    SEE_CLUSTERS="Read clusters and their facts. Held by every signed-in user.",
    SEE_OWN_ACCOUNT="Read an account as a root field. Held by its user.",
    SEE_USER="Read an account. Held by its user and by administrators.",
    UPDATE_USER="Change one's own names and primary address. Held by the user.",
    CHANGE_PASSWORD="Change one's own password. Held by every signed-in user.",  # noqa: S106
    SEE_OWN_GROUP="Read a group as a root field. Held by its members.",
    SEE_GROUP="Read a group. Held by its members and by administrators.",
    SEE_OWN_WEBAPP="Read a visible web app as a root field. Held by the members of its groups.",
    SEE_WEBAPP="Read a web app. Held by administrators, and by the members of its groups if it is"
    " visible.",
    REQUEST_ACCESS="Request access to the cluster. Held by every signed-in user without access.",
    SEE_ACCESS_REQUEST="Read a request for access. Held by its user and by administrators.",
    DECIDE_ACCESS="Approve, reject or revoke the access of another user. Held by administrators.",
    ISSUE_CREDENTIALS="Get tokens and kubeconfig files for one's own service account. Held by the"
    " user with approved access.",
    SEE_CREDENTIAL_ISSUE="Read the record of a credential. Held by its owner and by"
    " administrators.",
    LIST_CREDENTIAL_ISSUES="List the records of a user's credentials. Held by that user.",
    SEE_AUDIT_EVENT="Read an event of the audit log. Held by the acting user, by the user who is"
    " its subject, and by administrators.",
    LIST_AUDIT_EVENTS="List the events of a user. Held by that user.",
    SEE_SESSIONS="Read sessions and personal access tokens of a user. Held by that user and by"
    " administrators.",
    END_SESSIONS="End sessions and delete personal access tokens of a user. Held by that user and"
    " by administrators.",
    END_OTHER_SESSIONS="End one's own other sessions. Held by every signed-in user.",
    CREATE_TOKEN="Create personal access tokens for oneself. Held by every signed-in user.",  # noqa: S106
    ADMINISTRATE="Read everything under `admin`. Held by administrators.",
    MANAGE_USERS="Create, change and delete accounts. Held by administrators.",
    SET_PASSWORD="Set the password of another user. Held by administrators.",  # noqa: S106
    MANAGE_GROUPS="Create, change and delete groups and their memberships. Held by administrators.",
    MANAGE_WEBAPPS="Create, change and delete web apps and their grants. Held by administrators.",
)
_publish(
    SignInMethod,
    "How a session was created.",
    PASSWORD="With a password.",  # noqa: S106
    GOOGLE="With Google.",
    TOKEN="As a personal access token.",  # noqa: S106
)
_publish(
    Scope,
    "What a personal access token may be used for, within the permissions of its owner.",
    READ="Read what the owner can read, except for credentials of the cluster.",
    WRITE="Change the owner's names and address, and request access.",
    CREDENTIALS="Get tokens and kubeconfig files for the owner's service account.",
    ADMIN="Act as an administrator, except for setting passwords and creating administrators.",
)
_publish(
    Direction,
    "The direction of an order.",
    name="OrderDirection",
    ASC="Ascending: from A to Z, oldest first.",
    DESC="Descending: from Z to A, newest first.",
)
_publish(
    UserOrderField,
    "A field to sort users by. Equal users are sorted by id.",
    ID="The id, which is the order of creation.",
    USERNAME="The user name. Case-insensitive.",
    LAST_NAME="The family name. Case-insensitive for ASCII letters.",
    CREATED_AT="The creation time.",
    LAST_LOGIN_AT="The time of the last sign-in. Users without one come first.",
)
_publish(
    GroupOrderField,
    "A field to sort groups by.",
    ID="The id, which is the order of creation.",
    NAME="The name. Case-insensitive for ASCII letters.",
)
_publish(
    WebAppOrderField,
    "A field to sort web apps by.",
    ID="The id, which is the order of creation.",
    NAME="The name. Case-insensitive for ASCII letters.",
)
_publish(
    WebAppCategory,
    "The category of a web app, for sorting and icons.",
    GENERIC="Other web apps.",
    DOCUMENTATION="Manuals and wikis.",
    COMMUNICATION="Chat, mail and meetings.",
    KUBERNETES="The cluster itself.",
    DEVELOPER="Source code and builds.",
    DATABASE="Databases and their tools.",
    MONITORING="Metrics, logs and alerts.",
)
_publish(
    AuditKind,
    "The kind of an event.",
    SIGN_IN="A sign-in as the subject. `details` contain the `method` and, for failures, whether"
    " the `account` is OPEN, CLOSED or UNKNOWN.",
    SESSION_ENDED="Sessions of the subject were ended; if all were, personal access tokens too."
    " `details` contain the `count`. Expired sessions cause no event.",
    PASSWORD_CHANGED="The subject changed the own password; refused for a wrong current password.",  # noqa: S106
    PASSWORD_SET="An administrator or the operator set the password of the subject.",  # noqa: S106
    TOKEN_CREATED="A personal access token of the subject was created.",  # noqa: S106
    TOKEN_DELETED="A personal access token of the subject was deleted.",  # noqa: S106
    CREDENTIAL_ISSUED="A token for the cluster was issued in a `form`: one event for each record of"
    " a credential, with the same `fingerprint`.",
    ACCESS_REQUESTED="The subject requested access.",
    ACCESS_APPROVED="The subject got access.",
    ACCESS_REJECTED="The request of the subject was rejected.",
    ACCESS_REVOKED="The access of the subject was revoked.",
    ACCESS_EXPIRED="The access of the subject expired.",
    BINDINGS_REMOVED="The role bindings of access that had ended were removed from the cluster.",
    USER_CREATED="An account was created, possibly by a first sign-in with Google.",
    USER_CHANGED="Names, addresses or permissions of a user were changed.",
    USER_DELETED="An account was deleted with everything that belongs to it.",
    GROUP_CREATED="A group was created.",
    GROUP_CHANGED="The name, `canAdmin` or `membership` of a group was changed.",
    GROUP_DELETED="A group was deleted with its memberships.",
    MEMBER_ADDED="The subject was added to the `group`.",
    MEMBER_REMOVED="The subject was removed from the `group`.",
    WEBAPP_CREATED="A web app was created.",
    WEBAPP_CHANGED="The name, the link or the category of a web app was changed.",
    WEBAPP_DELETED="A web app was deleted.",
    WEBAPP_GRANTED="The subject was granted to the `group`.",
    WEBAPP_WITHDRAWN="The subject was withdrawn from the `group`.",
    DECLARATION_APPLIED="The operator's declaration changed the portal. `details` contain the"
    " numbers of changes. The changes themselves are earlier events.",
    LEGACY_IMPORTED="The operator imported the legacy portal: `details` counts the rows of each"
    " kind, and other events name them.",
    AUDIT_PRUNED="The operator deleted the events before a day.",
)
_publish(
    AuditOutcome,
    "The outcome of an event.",
    SUCCEEDED="The action succeeded.",
    REFUSED="The action was refused, because the credentials were wrong.",
    THROTTLED="The attempt was refused without a check after too many failures. Only the first"
    " one in 15 minutes is recorded.",
)
_publish(
    AuditActor,
    "The kind of an actor.",
    USER="A signed-in user.",
    OPERATOR="The operator, on the command line.",
    NOBODY="A caller who is not signed in, or the portal itself.",
)
_publish(
    AuditSubject,
    "The type of a subject.",
    USER="A user.",
    GROUP="A group.",
    WEBAPP="A web app.",
)
