from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry

from models import AccessRequestState, AccessState, CredentialKind, GroupMembership
from resolvers.clusters import MemoryUnit
from resolvers.errors import ErrorCode
from resolvers.permissions import Permission

__all__ = [
    "AccessRequestState",
    "AccessState",
    "CredentialKind",
    "ErrorCode",
    "GroupMembership",
    "MemoryUnit",
    "Permission",
]

E = TypeVar("E", bound=Enum)


def _publish(enum: type[E], description: str, values: Mapping[E, str]) -> None:
    """Makes an enum of a lower room a part of the schema, with a description of every value."""
    published = strawberry.enum(enum, description=description)
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
        ErrorCode.UNAUTHENTICATED: "Sign in first, or again.",
        ErrorCode.FORBIDDEN: "You are known, but may not do this.",
        ErrorCode.NOT_FOUND: "There is no such thing.",
        ErrorCode.BAD_USER_INPUT: "A value does not fit; `field` says which.",
        ErrorCode.CONFLICT: "It does not fit the state of things; the message says who was first.",
        ErrorCode.INVALID_CREDENTIALS: "This user name, password or token opens nothing.",
        ErrorCode.RATE_LIMITED: "Too many attempts; wait `extensions.retryAfter` s.",
        ErrorCode.UNAVAILABLE: "A cluster or an identity provider does not answer; try later.",
        ErrorCode.GRAPHQL_PARSE_FAILED: "The document is no GraphQL.",
        ErrorCode.GRAPHQL_VALIDATION_FAILED: "The document does not fit the schema.",
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
        Permission.ADMINISTRATE: "Look at everything under `admin`: administrators.",
        Permission.MANAGE_USERS: "Create, change and delete accounts: administrators.",
        Permission.MANAGE_GROUPS: "Create, change and delete groups and say who is in them:"
        " administrators.",
        Permission.MANAGE_WEBAPPS: "Create, change and delete web apps and say who sees them:"
        " administrators.",
    },
)
